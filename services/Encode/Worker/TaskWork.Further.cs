using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Packaging;
using FFMpegCore;

namespace EventStream.Encode.Worker;

/// <summary>
/// The work of a further ladder: its sounds, then a rung after the other, since one of these encoders takes the memory
/// and the threads of several of H.264.
/// </summary>
public sealed partial class TaskWork
{
    private static IEnumerable<string> LadderKeys(EncodeLadder command) =>
        command
            .Rungs.Select(rung => rung.Name)
            .Concat(OpusNames(command))
            .Select(name => $"{EncodeTasks.OutputPrefix(command.VideoId, name)}/{MediaPlaylist.FileName}");

    private static IEnumerable<string> OpusNames(EncodeLadder command) =>
        command.OpusBitrateBps is null
            ? []
            : Enumerable
                .Range(0, command.Source.Sounds?.Count ?? 1)
                .Select(place => PictureCodec.NameOf(EncodeTasks.AudioAt(place), PictureCodec.Opus));

    private async Task<IEvent> LadderAsync(EncodeLadder command, Run run)
    {
        using var source = await media.FetchAsync(command.SourceKey, run.Cancellation);
        run = run with { Begun = run.Reporter.Now };
        var made = new List<Rendition>();
        foreach (var (name, place) in OpusNames(command).Select((name, place) => (name, place)))
            made.Add(await OpusAsync(command, name, command.Source.Sounds?[place], source.Path, run));
        // Work goes with the pixels; what is done of them says how far the task is.
        var (done, all) = (0.0, command.Rungs.Sum(rung => (double)rung.Width * rung.Height));
        foreach (var rung in command.Rungs)
        {
            var share = rung.Width * rung.Height / all;
            made.Add(await RungAsync(command, rung, source.Path, (done, share), run));
            done += share;
        }

        return Encoded(command.VideoId, made[0], run) with
        {
            Also = made.Count > 1 ? made[1..] : null,
            Task = command.Codec,
        };
    }

    private async Task<Rendition> RungAsync(
        EncodeLadder command,
        Rung rung,
        string source,
        (double Done, double Share) progress,
        Run run
    )
    {
        var (info, rate) = (command.Source, FrameRate.FromHz(command.Source.FramesPerSecond));
        var settings = new PictureSettings(
            rate,
            command.SegmentSeconds,
            options.Preset,
            options.Threads,
            Codec: command.Codec
        );
        var (output, part) = (new RungOutput(rung, run.Track(rung.Name)), PlayedPart.Of(info));
        var notes = run.Track(rung.Name) + ".notes";
        FFMpegArgumentProcessor[] passes =
            command.Codec == PictureCodec.Vp9
                ?
                [
                    FfmpegRecipes.Vp9Pass(1, source, output, settings, notes, part, info.Picture),
                    FfmpegRecipes.Vp9Pass(2, source, output, settings, notes, part, info.Picture),
                ]
                : [FfmpegRecipes.Tracks(source, [output], settings, null, part, info.Picture)];
        for (var i = 0; i < passes.Length; i++)
        {
            var before = i;
            double Fraction(TimeSpan at) =>
                info.DurationSeconds > 0 ? Math.Clamp(at.TotalSeconds / info.DurationSeconds, 0, 1) : 0;
            await ffmpeg.RunAsync(
                passes[i],
                at =>
                    run.Reporter.Progress(
                        progress.Done + (progress.Share * (before + Fraction(at.Position)) / passes.Length),
                        at.Speed,
                        run.Cancellation
                    ),
                run.Cancellation
            );
        }

        var plain = new EncodeRung(
            command.VideoId,
            command.SourceKey,
            info,
            rung,
            command.SegmentSeconds,
            EncodeTasks.OutputPrefix(command.VideoId, rung.Name),
            command.RequestedAt
        );
        var rendition = await PackageRungAsync(plain, rung, rate, null, run);
        File.Delete(output.Path);
        return rendition;
    }

    private async Task<Rendition> OpusAsync(
        EncodeLadder command,
        string name,
        SourceSound? sound,
        string source,
        Run run
    )
    {
        var part = PlayedPart.Of(command.Source);
        var bits = command.OpusBitrateBps!.Value;
        await ffmpeg.RunAsync(
            FfmpegRecipes.Opus(source, run.Track(name), bits, part, sound),
            at => run.Reporter.Progress(0, at.Speed, run.Cancellation),
            run.Cancellation
        );
        return await PackageSoundAsync(command.VideoId, name, command.Source, command.SegmentSeconds, sound, run);
    }
}
