using System.Text;
using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Packaging;
using EventStream.Encode.Programs;
using EventStream.Media;
using FFMpegCore;

namespace EventStream.Encode.Worker;

/// <summary>
/// Does the work of one command, from the source in the media store to the output in it. Everything is made in a
/// folder of its own that is removed at the end, and stored file by file with the playlist last, so that nothing half
/// done is ever reachable.
/// </summary>
public sealed class TaskWork(
    IMediaStore media,
    FfmpegRunner ffmpeg,
    SourceReader reader,
    Packager packager,
    EncodeOptions options
)
{
    /// <summary>
    /// The key whose presence means that the output of a command is stored whole; null where it stores nothing.
    /// </summary>
    public static string? OutputKey(ICommand command) =>
        command switch
        {
            EncodeRung c => $"{c.OutputPrefix}/{MediaPlaylist.FileName}",
            EncodeAudio c => $"{c.OutputPrefix}/{MediaPlaylist.FileName}",
            MakeThumbnails c => $"{c.OutputPrefix}/index.vtt",
            _ => null,
        };

    /// <summary>
    /// Does the work and returns what came of it. Throws <see cref="ProgramFailedException"/>,
    /// <see cref="Mp4Exception"/>, <see cref="MediaNotFoundException"/> or <see cref="IOException"/> when it failed.
    /// </summary>
    public async Task<IEvent> DoAsync(ICommand command, TaskReporter reporter, CancellationToken cancellation)
    {
        var folder = Path.Combine(options.WorkFolder, options.WorkerId, Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(folder);
        try
        {
            return command switch
            {
                ProbeSource c => await ProbeAsync(c, reporter, cancellation),
                EncodeRung c => await RungAsync(c, folder, reporter, cancellation),
                EncodeAudio c => await AudioAsync(c, folder, reporter, cancellation),
                MakeThumbnails c => await ThumbnailsAsync(c, folder, reporter, cancellation),
                _ => throw new UnknownMessageException(command.GetType().Name),
            };
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task<IEvent> ProbeAsync(ProbeSource command, TaskReporter reporter, CancellationToken cancellation)
    {
        using var source = await media.FetchAsync(command.SourceKey, cancellation);
        try
        {
            var info = await reader.ReadAsync(source.Path, cancellation);
            return new SourceProbed(command.VideoId, info, reporter.Worker, reporter.Now);
        }
        catch (UnusableSourceException e)
        {
            return new SourceRejected(command.VideoId, e.Reason, e.Remedy, reporter.Worker, reporter.Now);
        }
    }

    private async Task<IEvent> RungAsync(
        EncodeRung command,
        string folder,
        TaskReporter reporter,
        CancellationToken cancellation
    )
    {
        using var source = await media.FetchAsync(command.SourceKey, cancellation);
        var begun = reporter.Now;
        var (rung, rate) = (command.Rung, FrameRate.FromHz(command.Source.FramesPerSecond));
        var track = Path.Combine(folder, "track.mp4");
        await FfmpegAsync(
            FfmpegRecipes.Rung(source.Path, track, rung, rate, command.SegmentSeconds, options.Preset, options.Threads),
            command.Source.DurationSeconds,
            reporter,
            cancellation
        );
        // Half a frame less than a GOP makes every key frame begin a segment, whatever the rounding.
        var cut = rate.GopSeconds(command.SegmentSeconds) - (0.5 / rate.Hz);
        var packaged = await packager.PackageAsync(track, "video", Path.Combine(folder, "out"), cut, cancellation);
        await StoreAsync(packaged, command.OutputPrefix, cancellation);
        var rendition = Describe(packaged, rung.Name, Rendition.Video, command.OutputPrefix) with
        {
            Width = rung.Width,
            Height = rung.Height,
            FramesPerSecond = rate.Hz,
        };
        return Encoded(command.VideoId, rendition, reporter, begun);
    }

    private async Task<IEvent> AudioAsync(
        EncodeAudio command,
        string folder,
        TaskReporter reporter,
        CancellationToken cancellation
    )
    {
        using var source = await media.FetchAsync(command.SourceKey, cancellation);
        var begun = reporter.Now;
        var track = Path.Combine(folder, "track.mp4");
        await FfmpegAsync(
            FfmpegRecipes.Audio(source.Path, track, command.BitrateBps),
            command.Source.DurationSeconds,
            reporter,
            cancellation
        );
        var cut = FrameRate.FromHz(command.Source.FramesPerSecond).GopSeconds(command.SegmentSeconds);
        var packaged = await packager.PackageAsync(track, "audio", Path.Combine(folder, "out"), cut, cancellation);
        await StoreAsync(packaged, command.OutputPrefix, cancellation);
        return Encoded(
            command.VideoId,
            Describe(packaged, EncodeTasks.Audio, Rendition.Audio, command.OutputPrefix),
            reporter,
            begun
        );
    }

    private async Task<IEvent> ThumbnailsAsync(
        MakeThumbnails command,
        string folder,
        TaskReporter reporter,
        CancellationToken cancellation
    )
    {
        using var source = await media.FetchAsync(command.SourceKey, cancellation);
        var (info, sheet) = (command.Source, SpriteSheet.For(command.Source));
        var (poster, sprite) = (Path.Combine(folder, "poster.jpg"), Path.Combine(folder, "sprite.jpg"));
        await FfmpegAsync(
            FfmpegRecipes.Poster(source.Path, poster, info, info.DurationSeconds / 10),
            info.DurationSeconds,
            reporter,
            cancellation
        );
        await FfmpegAsync(
            FfmpegRecipes.Sprite(source.Path, sprite, sheet),
            info.DurationSeconds,
            reporter,
            cancellation
        );
        var thumbnails = new Thumbnails(
            $"{command.OutputPrefix}/poster.jpg",
            $"{command.OutputPrefix}/sprite.jpg",
            $"{command.OutputPrefix}/index.vtt"
        );
        await StoreFileAsync(poster, thumbnails.PosterKey, cancellation);
        await StoreFileAsync(sprite, thumbnails.SpriteKey, cancellation);
        var index = Encoding.UTF8.GetBytes(sheet.Index("sprite.jpg", info.DurationSeconds));
        await media.WriteAsync(thumbnails.IndexKey, new MemoryStream(index), cancellation);
        return new ThumbnailsMade(command.VideoId, thumbnails, reporter.Worker, reporter.Now);
    }

    private Task FfmpegAsync(
        FFMpegArgumentProcessor job,
        double durationSeconds,
        TaskReporter reporter,
        CancellationToken cancellation
    ) =>
        ffmpeg.RunAsync(
            job,
            progress =>
                reporter.Progress(
                    durationSeconds > 0 ? Math.Clamp(progress.Position.TotalSeconds / durationSeconds, 0, 1) : 0,
                    progress.Speed,
                    cancellation
                ),
            cancellation
        );

    private async Task StoreAsync(PackagedTrack packaged, string prefix, CancellationToken cancellation)
    {
        var stale = new HashSet<string>(StringComparer.Ordinal);
        await foreach (var key in media.ListAsync(prefix, cancellation))
            stale.Add(key);
        foreach (var name in packaged.FileNames)
        {
            await StoreFileAsync(Path.Combine(packaged.Folder, name), $"{prefix}/{name}", cancellation);
            stale.Remove($"{prefix}/{name}");
        }

        // Segments of an earlier encode that was longer would stay.
        foreach (var key in stale)
            await media.DeleteAsync(key, cancellation);
    }

    private async Task StoreFileAsync(string path, string key, CancellationToken cancellation)
    {
        if (!File.Exists(path))
            throw new IOException($"ffmpeg wrote no {Path.GetFileName(path)}: the source holds no picture there.");
        await using var file = File.OpenRead(path);
        await media.WriteAsync(key, file, cancellation);
    }

    private static Rendition Describe(PackagedTrack packaged, string name, string kind, string prefix)
    {
        var list = packaged.Segments;
        var size = packaged.FileNames.Sum(file => new FileInfo(Path.Combine(packaged.Folder, file)).Length);
        return new Rendition(
            name,
            kind,
            prefix,
            packaged.Codecs,
            0,
            0,
            0,
            list.PeakBps,
            list.AverageBps,
            list.Segments.Select(segment => segment.DurationSeconds).ToList(),
            size
        );
    }

    private static RenditionEncoded Encoded(
        VideoId video,
        Rendition rendition,
        TaskReporter reporter,
        DateTimeOffset begun
    ) => new(video, rendition, reporter.Worker, (reporter.Now - begun).TotalSeconds, reporter.Now);
}
