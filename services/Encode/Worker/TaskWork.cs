using System.Text;
using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Packaging;
using EventStream.Encode.Quality;
using EventStream.Media;
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
            EncodeRung { Chunk: not null } c => [EncodeTasks.ChunkKey(c.VideoId, EncodeTasks.Of(c).Task)],
            JoinChunks c => c.Rungs.Select(rung =>
                $"{EncodeTasks.OutputPrefix(c.VideoId, rung.Name)}/{MediaPlaylist.FileName}"
            ),
            EncodeRung c => Rungs(c)
                .Select(rung => rung.Name)
                .Concat(c.AudioBitrateBps is null ? [] : [EncodeTasks.Audio])
                .Select(name => $"{EncodeTasks.OutputPrefix(c, name)}/{MediaPlaylist.FileName}"),
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
        var chunks = new ChunkWork(media, ffmpeg, packager, options);
        try
        {
            return command switch
            {
                ProbeSource c => await ProbeAsync(c, run),
                EncodeRung { Chunk: not null } c => await chunks.EncodeAsync(c, folder, reporter, cancellation),
                JoinChunks c => await chunks.JoinAsync(c, reporter, cancellation),
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

    private async Task StoreFileAsync(string path, string key, CancellationToken cancellation)
    {
        if (!File.Exists(path))
            throw new IOException($"There is no {Path.GetFileName(path)}: the source holds no picture for it.");
        await using var file = File.OpenRead(path);
        await media.WriteAsync(key, file, cancellation);
    }

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
