using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Packaging;
using EventStream.Media.Text;

namespace EventStream.Encode.Worker;

/// <summary>Rungs and sounds: encoded, cut into segments and stored.</summary>
public sealed partial class TaskWork
{
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
        var prefix = EncodeTasks.OutputPrefix(command, rung.Name);
        var rendition = await PackageAsync(prefix, rung.Name, Rendition.Video, seconds, run);
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
        var prefix = EncodeTasks.OutputPrefix(video, name);
        var rendition = await PackageAsync(prefix, name, Rendition.Audio, cut, run);
        return rendition with { Label = Languages.Label(sound, name) };
    }

    /// <summary>Cuts the encoded track into segments, stores them, and says what was stored.</summary>
    private async Task<Rendition> PackageAsync(string prefix, string name, string kind, double segmentSeconds, Run run)
    {
        var folder = Path.Combine(run.Folder, name);
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

    private static RenditionEncoded Encoded(VideoId video, Rendition rendition, Run run) =>
        new(video, rendition, run.Reporter.Worker, (run.Reporter.Now - run.Begun).TotalSeconds, run.Reporter.Now);
}
