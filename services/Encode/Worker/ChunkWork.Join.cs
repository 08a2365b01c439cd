using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using EventStream.Contracts;
using EventStream.Encode.Packaging;
using EventStream.Media;

namespace EventStream.Encode.Worker;

/// <summary>The joining of chunks.</summary>
public sealed partial class ChunkWork
{
    /// <summary>
    /// Writes the playlists of rungs whose chunks are stored. Throws <see cref="Mp4Exception"/> where two chunks do not
    /// belong together, and <see cref="MediaNotFoundException"/> where one is not there.
    /// </summary>
    public async Task<RenditionEncoded> JoinAsync(
        JoinChunks command,
        TaskReporter reporter,
        CancellationToken cancellation
    )
    {
        var begun = reporter.Now;
        var notes = new List<Part[]>();
        foreach (var number in Enumerable.Range(1, command.Chunks))
            notes.Add(await ReadAsync(command, number, cancellation));
        var made = new List<Rendition>();
        foreach (var rung in command.Rungs)
        {
            List<Part> parts = [.. notes.Select(note => note.Single(part => part.Rendition.Name == rung.Name))];
            made.Add(await JoinAsync(command, parts, cancellation));
        }

        return new RenditionEncoded(
            command.VideoId,
            made[0],
            reporter.Worker,
            (reporter.Now - begun).TotalSeconds,
            reporter.Now,
            made.Count > 1 ? made[1..] : null,
            command.Task
        );
    }

    private async Task<Rendition> JoinAsync(JoinChunks command, List<Part> parts, CancellationToken cancellation)
    {
        // The note of a chunk that was copied from another video names that one.
        var name = parts[0].Rendition.Name;
        var first = parts[0].Rendition with { Prefix = EncodeTasks.OutputPrefix(command.VideoId, name) };
        var segments = new List<Segment>();
        foreach (var part in parts)
        {
            if (part.InitSha256 != parts[0].InitSha256 || part.FirstSegment != segments.Count + 1)
                throw new Mp4Exception($"Chunks of {first.Name} do not belong together: they were made differently.");
            segments.AddRange(
                part.Rendition.SegmentDurationsSeconds.Zip(part.SegmentBytes, part.KeyFrameBytes)
                    .Select(segment => new Segment(0, segment.First, segment.Second, segment.Third))
            );
        }

        await CheckStoredAsync(first.Prefix, segments.Count, parts[0].InitSha256, cancellation);
        var list = new SegmentList(segments);
        var target = MediaPlaylist.GrowingTargetSeconds(segments[0].DurationSeconds);
        if (KeyFramePlaylist.Has(list))
            await WriteAsync(
                $"{first.Prefix}/{KeyFramePlaylist.FileName}",
                Encoding.UTF8.GetBytes(KeyFramePlaylist.Write(list)),
                cancellation
            );
        await WriteAsync(
            $"{first.Prefix}/{MediaPlaylist.FileName}",
            Encoding.UTF8.GetBytes(MediaPlaylist.Write(list, target)),
            cancellation
        );
        return first with
        {
            BandwidthBps = list.PeakBps,
            AverageBandwidthBps = list.AverageBps,
            SegmentDurationsSeconds = [.. segments.Select(segment => segment.DurationSeconds)],
            SizeBytes = segments.Sum(segment => segment.SizeBytes),
            KeyFrameBandwidthBps = list.KeyFramePeakBps,
        };
    }

    /// <summary>Every segment is there, and the initialization segment is that of the chunks.</summary>
    private async Task CheckStoredAsync(string prefix, int count, string sha256, CancellationToken cancellation)
    {
        var wanted = Enumerable
            .Range(1, count)
            .Select(number => $"{prefix}/{MediaPlaylist.SegmentName(number)}")
            .ToHashSet(StringComparer.Ordinal);
        await foreach (var key in media.ListAsync(prefix, cancellation))
            wanted.Remove(key);
        if (wanted.Count > 0)
            throw new MediaNotFoundException(wanted.Min()!);
        await using var init = await media.OpenReadAsync($"{prefix}/{MediaPlaylist.InitName}", cancellation);
        if (Convert.ToHexStringLower(await SHA256.HashDataAsync(init, cancellation)) != sha256)
            throw new Mp4Exception($"The initialization segment of {prefix} is not that of its chunks.");
    }

    private async Task<Part[]> ReadAsync(JoinChunks command, int number, CancellationToken cancellation)
    {
        var key = EncodeTasks.ChunkKey(command.VideoId, EncodeTasks.ChunkAt(command.Task, number));
        await using var note = await media.OpenReadAsync(key, cancellation);
        return
            note.Length <= NoteBytesMax
            && await JsonSerializer.DeserializeAsync<Part[]>(note, cancellationToken: cancellation) is { } parts
            ? parts
            : throw new Mp4Exception($"The note '{key}' is none of a chunk.");
    }
}
