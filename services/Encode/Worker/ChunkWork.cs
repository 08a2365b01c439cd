using System.Security.Cryptography;
using System.Text.Json;
using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Packaging;
using EventStream.Media;
using EventStream.Processes;

namespace EventStream.Encode.Worker;

/// <summary>
/// Encodes a chunk of rungs, and joins the chunks of a rung. The segments of a chunk are stored under the numbers and
/// with the times that they have in the whole rung, then a note of them; the playlist is written from the notes of all
/// chunks, and nothing is encoded again. A chunk that is done twice overwrites each segment with one of the same
/// pictures, which begins with a key frame and needs no other.
/// </summary>
public sealed partial class ChunkWork(IMediaStore media, FfmpegRunner ffmpeg, Packager packager, EncodeOptions options)
{
    /// <summary>The note of a chunk of many short segments is a tenth of it.</summary>
    private const int NoteBytesMax = 4 * 1024 * 1024;

    /// <summary>
    /// Encodes a chunk in <paramref name="folder"/> and stores it. Throws <see cref="ProgramFailedException"/>,
    /// <see cref="Mp4Exception"/>, <see cref="MediaNotFoundException"/> or <see cref="IOException"/> when it failed.
    /// </summary>
    public async Task<ChunkEncoded> EncodeAsync(
        EncodeRung command,
        string folder,
        TaskReporter reporter,
        CancellationToken cancellation
    )
    {
        using var source = await media.FetchAsync(command.SourceKey, cancellation);
        var begun = reporter.Now;
        var chunk = command.Chunk!;
        var rate = FrameRate.FromHz(command.Source.FramesPerSecond);
        var range = PictureRange.Of(chunk, command.Source, rate, command.SegmentSeconds);
        List<RungOutput> rungs =
        [
            .. new[] { command.Rung }
                .Concat(command.Also ?? [])
                .Select(rung => new RungOutput(rung, Path.Combine(folder, $"{rung.Name}.mp4"))),
        ];
        var recipe = FfmpegRecipes.Tracks(
            source.Path,
            rungs,
            new PictureSettings(rate, command.SegmentSeconds, options.Preset, options.Threads, Pictures: range),
            sound: null,
            PlayedPart.Of(command.Source),
            command.Source.Picture
        );
        await ffmpeg.RunAsync(
            recipe,
            at =>
                reporter.Progress(
                    Math.Clamp(at.Position.TotalSeconds * rate.Hz / range.Count, 0, 1),
                    at.Speed,
                    cancellation
                ),
            cancellation,
            reporter.IsFirstLane
        );
        var parts = await Task.WhenAll(
            rungs.Select(rung => StoreAsync(command, rung, rate, range, folder, cancellation))
        );
        var name = EncodeTasks.Of(command).Task;
        await WriteAsync(
            EncodeTasks.ChunkKey(command.VideoId, name),
            JsonSerializer.SerializeToUtf8Bytes(parts),
            cancellation
        );
        return new ChunkEncoded(
            command.VideoId,
            name,
            [.. parts.Select(part => part.Rendition)],
            chunk.Number,
            chunk.Of,
            command.IsFirst is true,
            reporter.Worker,
            (reporter.Now - begun).TotalSeconds,
            reporter.Now
        );
    }

    /// <summary>The keys of the files of a chunk, its note last.</summary>
    public static IEnumerable<string> FilesOf(ChunkEncoded made, RungChunk chunk) =>
        made
            .Parts.SelectMany(part =>
                Enumerable
                    .Range(chunk.FirstSegment, part.SegmentDurationsSeconds.Count)
                    .Select(MediaPlaylist.SegmentName)
                    .Prepend(MediaPlaylist.InitName)
                    .Select(name => $"{part.Prefix}/{name}")
            )
            .Append(EncodeTasks.ChunkKey(made.VideoId, made.Task));

    private async Task<Part> StoreAsync(
        EncodeRung command,
        RungOutput output,
        FrameRate rate,
        PictureRange range,
        string folder,
        CancellationToken cancellation
    )
    {
        var (rung, chunk) = (output.Rung, command.Chunk!);
        // Half a frame less than a GOP makes every key frame begin a segment, whatever the rounding.
        var seconds = rate.GopSeconds(command.SegmentSeconds) - (0.5 / rate.Hz);
        var files = Path.Combine(folder, rung.Name);
        var packaged = await packager.PackageAsync(output.Path, Rendition.Video, files, seconds, cancellation);
        Check(packaged, chunk, range, rate);
        var prefix = EncodeTasks.OutputPrefix(command.VideoId, rung.Name);
        var hash = await StoreInitAsync(command, prefix, files, rate, cancellation);
        for (var at = 0; at < packaged.Segments.Segments.Count; at++)
        {
            var path = Path.Combine(files, MediaPlaylist.SegmentName(at + 1));
            var segment = await File.ReadAllBytesAsync(path, cancellation);
            ChunkTimes.Move(segment, range.First, rate, chunk.FirstSegment - 1);
            await WriteAsync($"{prefix}/{MediaPlaylist.SegmentName(chunk.FirstSegment + at)}", segment, cancellation);
        }

        var list = packaged.Segments;
        var rendition = new Rendition(
            rung.Name,
            Rendition.Video,
            prefix,
            packaged.Codecs,
            rung.Width,
            rung.Height,
            rate.Hz,
            list.PeakBps,
            list.AverageBps,
            [.. list.Segments.Select(segment => segment.DurationSeconds)],
            list.Segments.Sum(segment => segment.SizeBytes)
        );
        return new Part(
            rendition,
            chunk.FirstSegment,
            hash,
            [.. list.Segments.Select(segment => segment.SizeBytes)],
            [.. list.Segments.Select(segment => segment.KeyFrameBytes)]
        );
    }

    /// <summary>
    /// The pictures of the chunk are exactly those that are asked for, or a seam would repeat or miss some.
    /// </summary>
    private static void Check(PackagedTrack packaged, RungChunk chunk, PictureRange range, FrameRate rate)
    {
        var list = packaged.Segments;
        var frames = list.DurationSeconds * rate.Hz;
        if (Math.Abs(frames - range.Count) > 0.5 || (chunk.Segments is { } all && list.Segments.Count != all))
        {
            throw new Mp4Exception(
                $"Chunk {chunk.Number} has {frames:0.##} pictures in {list.Segments.Count} segments, not {range.Count}."
            );
        }
    }

    /// <summary>
    /// Every chunk has the same. The first one stores it, or one before it; what an earlier encode left is replaced.
    /// </summary>
    private async Task<string> StoreInitAsync(
        EncodeRung command,
        string prefix,
        string files,
        FrameRate rate,
        CancellationToken cancellation
    )
    {
        var init = await File.ReadAllBytesAsync(Path.Combine(files, MediaPlaylist.InitName), cancellation);
        ChunkTimes.Unify(init, PlayedPart.Of(command.Source)!.Frames(rate), rate);
        var key = $"{prefix}/{MediaPlaylist.InitName}";
        if (command.Chunk!.Number == 1 || await media.StatAsync(key, cancellation) is null)
            await WriteAsync(key, init, cancellation);
        return Convert.ToHexStringLower(SHA256.HashData(init));
    }

    private Task WriteAsync(string key, byte[] content, CancellationToken cancellation) =>
        media.WriteAsync(key, new MemoryStream(content), cancellation);

    /// <summary>What is noted of a chunk of one rung: the rendition of that part alone, and sizes in bytes.</summary>
    private sealed record Part(
        Rendition Rendition,
        int FirstSegment,
        string InitSha256,
        IReadOnlyList<long> SegmentBytes,
        IReadOnlyList<long> KeyFrameBytes
    );
}
