using System.Text;
using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Packaging;
using EventStream.Encode.Quality;
using EventStream.Media;
using EventStream.Media.Text;
using EventStream.Processes;
using FFMpegCore;

namespace EventStream.Encode.Worker;

/// <summary>
/// Does the work of one command, from the source in the media store to the output in it. Everything is made in a
/// folder of its own that is removed at the end, and stored file by file with the playlist last, so that nothing half
/// done is ever reachable.
/// </summary>
public sealed partial class TaskWork(
    IMediaStore media,
    FfmpegRunner ffmpeg,
    SourceReader reader,
    Packager packager,
    EncodeOptions options,
    EncodeCache cache
)
{
    /// <summary>The keys whose presence means that the output of a command is stored whole.</summary>
    public static IEnumerable<string> OutputKeys(ICommand command) =>
        command switch
        {
            EncodeRung c => Rungs(c)
                .Select(rung => rung.Name)
                .Concat(c.AudioBitrateBps is null ? [] : [EncodeTasks.Audio])
                .Select(name => $"{EncodeTasks.OutputPrefix(c.VideoId, name)}/{MediaPlaylist.FileName}"),
            EncodeHighRange c => [$"{c.OutputPrefix}/{MediaPlaylist.FileName}"],
            EncodeLadder c => LadderKeys(c),
            EncodeAudio c => [$"{c.OutputPrefix}/{MediaPlaylist.FileName}"],
            MakeThumbnails c => [$"{c.OutputPrefix}/index.vtt"],
            _ => [],
        };

    private static IEnumerable<Rung> Rungs(EncodeRung command) => [command.Rung, .. command.Also ?? []];

    /// <summary>
    /// Does the work, or copies what was made of the same file before, and returns what came of it. Throws
    /// <see cref="ProgramFailedException"/>, <see cref="Mp4Exception"/>, <see cref="MediaNotFoundException"/> or
    /// <see cref="IOException"/> when it failed.
    /// </summary>
    public async Task<IEvent> DoAsync(ICommand command, TaskReporter reporter, CancellationToken cancellation)
    {
        var outcome =
            await cache.FindAsync(command, reporter, cancellation) ?? await MakeAsync(command, reporter, cancellation);
        // Also of a copy: it serves when the video that it was made for is deleted.
        await cache.NoteAsync(command, outcome, cancellation);
        return outcome;
    }

    private async Task<IEvent> MakeAsync(ICommand command, TaskReporter reporter, CancellationToken cancellation)
    {
        var folder = Path.Combine(options.WorkFolder, options.WorkerId, Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(folder);
        var run = new Run(folder, reporter, reporter.Now, cancellation);
        try
        {
            return command switch
            {
                ProbeSource c => await ProbeAsync(c, run),
                EncodeRung c => await RungsAsync(c, run),
                EncodeHighRange c => await RungsAsync(Plain(c), run, VideoRange.Of(c.Source.Picture!)),
                EncodeLadder c => await LadderAsync(c, run),
                EncodeAudio c => await AudioAsync(c, run),
                MakeThumbnails c => await ThumbnailsAsync(c, run),
                MakeSubtitles c => await new SubtitleWork(media, ffmpeg).DoAsync(c, folder, reporter, cancellation),
                AnalyseSource c => await Analysis.DoAsync(c, folder, reporter, cancellation),
                MeasureQuality c => await Quality.DoAsync(c, folder, reporter, cancellation),
                _ => throw new UnknownMessageException(command.GetType().Name),
            };
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private AnalysisWork Analysis => new(media, ffmpeg, options);

    private QualityWork Quality => new(media, new QualityMeter(ffmpeg, options.Threads));

    private async Task<IEvent> ProbeAsync(ProbeSource command, Run run)
    {
        using var source = await media.FetchAsync(command.SourceKey, run.Cancellation);
        try
        {
            var info = await reader.ReadAsync(source.Path, run.Read, run.Cancellation);
            return new SourceProbed(command.VideoId, info, run.Reporter.Worker, run.Reporter.Now);
        }
        catch (UnusableSourceException e)
        {
            return new SourceRejected(command.VideoId, e.Reason, e.Remedy, run.Reporter.Worker, run.Reporter.Now);
        }
    }

    private static EncodeRung Plain(EncodeHighRange c) =>
        new(c.VideoId, c.SourceKey, c.Source, c.Rung, c.SegmentSeconds, c.OutputPrefix, c.RequestedAt, c.Attempt);

    /// <summary>
    /// Rungs and, where it is asked for, the main sound; in <paramref name="range"/>, or in standard range.
    /// </summary>
    private async Task<IEvent> RungsAsync(EncodeRung command, Run run, string? range = null)
    {
        using var source = await media.FetchAsync(command.SourceKey, run.Cancellation);
        run = run with { Begun = run.Reporter.Now };
        var rate = FrameRate.FromHz(command.Source.FramesPerSecond);
        var rungs = Rungs(command).Select(rung => new RungOutput(rung, run.Track(rung.Name))).ToList();
        var main = command.Source.Sounds is [var first, ..] ? first : null;
        var sound = command.AudioBitrateBps is { } bits
            ? new SoundOutput(main, bits, run.Track(EncodeTasks.Audio))
            : null;
        var recipe = FfmpegRecipes.Tracks(
            source.Path,
            rungs,
            new PictureSettings(rate, command.SegmentSeconds, options.Preset, options.Threads, range is not null),
            sound,
            PlayedPart.Of(command.Source),
            command.Source.Picture
        );
        await FfmpegAsync(recipe, command.Source, run);
        var packaged = rungs.Select(output => PackageRungAsync(command, output.Rung, rate, range, run));
        if (sound is not null)
            packaged = packaged.Append(
                PackageSoundAsync(command.VideoId, EncodeTasks.Audio, command.Source, command.SegmentSeconds, main, run)
            );
        // As many packagers at once as there are tracks: each takes a tenth of a second.
        var made = await Task.WhenAll(packaged);
        return Encoded(command.VideoId, made[0], run) with
        {
            Also = made.Length > 1 ? made[1..] : null,
            Task = command.Task,
        };
    }

    private async Task<IEvent> AudioAsync(EncodeAudio command, Run run)
    {
        using var source = await media.FetchAsync(command.SourceKey, run.Cancellation);
        run = run with { Begun = run.Reporter.Now };
        var sound = command.Sound ?? (command.Source.Sounds is [var main, ..] ? main : null);
        var name = command.Task ?? EncodeTasks.Audio;
        var part = PlayedPart.Of(command.Source);
        var recipe = FfmpegRecipes.Audio(source.Path, run.Track(name), command.BitrateBps, part, sound);
        await FfmpegAsync(recipe, command.Source, run);
        var rendition = await PackageSoundAsync(
            command.VideoId,
            name,
            command.Source,
            command.SegmentSeconds,
            sound,
            run
        );
        return Encoded(command.VideoId, rendition, run);
    }

    private async Task<Rendition> PackageRungAsync(
        EncodeRung command,
        Rung rung,
        FrameRate rate,
        string? range,
        Run run
    )
    {
        // Half a frame less than a GOP makes every key frame begin a segment, whatever the rounding.
        var seconds = rate.GopSeconds(command.SegmentSeconds) - (0.5 / rate.Hz);
        var rendition = await PackageAsync(command.VideoId, rung.Name, Rendition.Video, seconds, run);
        return rendition with { Width = rung.Width, Height = rung.Height, FramesPerSecond = rate.Hz, Range = range };
    }

    private async Task<Rendition> PackageSoundAsync(
        VideoId video,
        string name,
        SourceInfo source,
        double segmentSeconds,
        SourceSound? sound,
        Run run
    )
    {
        var cut = FrameRate.FromHz(source.FramesPerSecond).GopSeconds(segmentSeconds);
        var rendition = await PackageAsync(video, name, Rendition.Audio, cut, run);
        return rendition with { Label = Languages.Label(sound, name) };
    }

    private async Task<IEvent> ThumbnailsAsync(MakeThumbnails command, Run run)
    {
        using var source = await media.FetchAsync(command.SourceKey, run.Cancellation);
        var (info, sheet) = (command.Source, SpriteSheet.For(command.Source));
        var (poster, sprite) = (Path.Combine(run.Folder, "poster.jpg"), Path.Combine(run.Folder, "sprite.jpg"));
        FFMpegArgumentProcessor Poster(double? at) => FfmpegRecipes.Poster(source.Path, poster, info, at);
        FFMpegArgumentProcessor Sprite(SpriteSheet of) =>
            FfmpegRecipes.Sprite(source.Path, sprite, of, PlayedPart.Of(info), info.Picture);
        if (!await PictureAsync(Poster(info.DurationSeconds / 10), poster, info, run))
            await FfmpegAsync(Poster(null), info, run);
        if (!await PictureAsync(Sprite(sheet), sprite, info, run))
            await FfmpegAsync(Sprite(sheet = sheet.OfOneTile(info.DurationSeconds)), info, run);
        var thumbnails = new Thumbnails(
            $"{command.OutputPrefix}/poster.jpg",
            $"{command.OutputPrefix}/sprite.jpg",
            $"{command.OutputPrefix}/index.vtt"
        );
        await StoreFileAsync(poster, thumbnails.PosterKey, run.Cancellation);
        await StoreFileAsync(sprite, thumbnails.SpriteKey, run.Cancellation);
        var index = Encoding.UTF8.GetBytes(sheet.Index("sprite.jpg", info.DurationSeconds));
        await media.WriteAsync(thumbnails.IndexKey, new MemoryStream(index), run.Cancellation);
        return new ThumbnailsMade(command.VideoId, thumbnails, run.Reporter.Worker, run.Reporter.Now);
    }

    /// <summary>
    /// Whether the recipe wrote a picture. Where a seek finds none, or the source is damaged there, the first picture
    /// does instead.
    /// </summary>
    private async Task<bool> PictureAsync(FFMpegArgumentProcessor recipe, string path, SourceInfo source, Run run)
    {
        try
        {
            await FfmpegAsync(recipe, source, run);
        }
        catch (ProgramFailedException e) when (e.ExitCode is not null)
        {
            return false;
        }

        return File.Exists(path);
    }

    private Task FfmpegAsync(FFMpegArgumentProcessor recipe, SourceInfo source, Run run)
    {
        double Fraction(TimeSpan position) =>
            source.DurationSeconds > 0 ? Math.Clamp(position.TotalSeconds / source.DurationSeconds, 0, 1) : 0;
        return ffmpeg.RunAsync(
            recipe,
            progress => run.Reporter.Progress(Fraction(progress.Position), progress.Speed, run.Cancellation),
            run.Cancellation,
            run.Reporter.IsFirstLane
        );
    }

    /// <summary>Cuts the encoded track into segments, stores them, and says what was stored.</summary>
    private async Task<Rendition> PackageAsync(VideoId video, string name, string kind, double segmentSeconds, Run run)
    {
        var (folder, prefix) = (Path.Combine(run.Folder, name), EncodeTasks.OutputPrefix(video, name));
        var packaged = await packager.PackageAsync(run.Track(name), kind, folder, segmentSeconds, run.Cancellation);
        await StoreAsync(packaged, prefix, run.Cancellation);
        var list = packaged.Segments;
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
            [.. list.Segments.Select(segment => segment.DurationSeconds)],
            packaged.FileNames.Sum(file => new FileInfo(Path.Combine(folder, file)).Length),
            KeyFrameBandwidthBps: kind == Rendition.Video ? list.KeyFramePeakBps : null
        );
    }

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
            throw new IOException($"There is no {Path.GetFileName(path)}: the source holds no picture for it.");
        await using var file = File.OpenRead(path);
        await media.WriteAsync(key, file, cancellation);
    }

    private static RenditionEncoded Encoded(VideoId video, Rendition rendition, Run run) =>
        new(video, rendition, run.Reporter.Worker, (run.Reporter.Now - run.Begun).TotalSeconds, run.Reporter.Now);

    /// <summary>One command that is being done: its folder, its reporter, and when it began.</summary>
    private sealed record Run(
        string Folder,
        TaskReporter Reporter,
        DateTimeOffset Begun,
        CancellationToken Cancellation
    )
    {
        /// <summary>What ffmpeg encodes and the packager cuts.</summary>
        public string Track(string name) => Path.Combine(Folder, $"{name}.mp4");

        /// <summary>Reports how much of a source is read, 0..1: a large one would seem to hang.</summary>
        public void Read(double fraction)
        {
            if (Reporter.Now - Begun >= TaskReporter.ProgressInterval)
                Reporter.Progress(fraction, 0, Cancellation);
        }
    }
}
