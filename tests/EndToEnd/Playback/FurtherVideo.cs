using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Ladder;
using EventStream.Encode.Packaging;
using EventStream.Processes;
using EventStream.Tests.Kit;

namespace EventStream.EndToEnd.Tests.Playback;

/// <summary>The sample video with a rung of each further ladder, by the recipes of the workers.</summary>
public sealed class FurtherVideo : IAsyncLifetime
{
    private static readonly FrameRate Rate = new(24, 1);
    private static readonly Rung Rung = new("180p", 320, 180, 200_000);
    private readonly List<IMessage> further = [];

    public SampleVideo Sample { get; } = new();

    /// <summary>The events of the video in H.264 with AAC, and with the ladders of these codecs.</summary>
    public IReadOnlyList<IMessage> Events(params string[] codecs) =>
        [
            .. Sample.Events("180p", "audio"),
            .. further
                .Cast<VideoRenditionEncoded>()
                .Where(e => codecs.Contains(PictureCodec.Of(e.Rendition.Codecs) ?? PictureCodec.Vp9)),
        ];

    public async Task InitializeAsync()
    {
        await Sample.InitializeAsync();
        var work = Path.Combine(Sample.MediaRoot, "work");
        var programs = new ProgramOptions();
        var ffmpeg = new FfmpegRunner(
            Tools.Program(EdgeRig.Configuration, "ffmpeg", "ffmpeg"),
            work,
            programs,
            TimeProvider.System
        );
        var packager = new Packager(
            Tools.Npm(EdgeRig.Configuration, "shaka-packager/bin/packager-linux-x64"),
            new ProgramRunner(programs, TimeProvider.System)
        );
        foreach (var codec in PictureCodec.Further)
        {
            var rung = CodecLadder.Of(codec, [Rung])[0];
            var (source, output) = (Path.Combine(work, "180p.mp4"), Path.Combine(work, $"{rung.Name}.mp4"));
            var settings = new PictureSettings(Rate, 2, "ultrafast", 2, Codec: codec);
            FFMpegCore.FFMpegArgumentProcessor[] passes =
                codec == PictureCodec.Vp9
                    ?
                    [
                        FfmpegRecipes.Vp9Pass(1, source, new(rung, output), settings, output + ".notes"),
                        FfmpegRecipes.Vp9Pass(2, source, new(rung, output), settings, output + ".notes"),
                    ]
                    : [FfmpegRecipes.Tracks(source, [new(rung, output)], settings)];
            foreach (var pass in passes)
                await ffmpeg.RunAsync(pass, _ => { }, CancellationToken.None);
            further.Add(await PackageAsync(packager, output, rung.Name, Rendition.Video));
        }

        var sound = Path.Combine(work, "audio-opus.mp4");
        await ffmpeg.RunAsync(
            FfmpegRecipes.Opus(Path.Combine(work, "audio.mp4"), sound, 96_000),
            _ => { },
            CancellationToken.None
        );
        further.Add(await PackageAsync(packager, sound, "audio-opus", Rendition.Audio));
    }

    public Task DisposeAsync() => Sample.DisposeAsync();

    private async Task<VideoRenditionEncoded> PackageAsync(Packager packager, string track, string name, string kind)
    {
        var prefix = $"videos/{Sample.Id}/{name}";
        // Half a frame less than a GOP, as workers cut.
        var seconds = kind == Rendition.Video ? 2 - (0.5 / Rate.Hz) : 2;
        var made = await packager.PackageAsync(
            track,
            kind,
            Path.Combine(Sample.MediaRoot, prefix),
            seconds,
            CancellationToken.None
        );
        var picture = kind == Rendition.Video;
        var rendition = new Rendition(
            name,
            kind,
            prefix,
            made.Codecs,
            picture ? Rung.Width : 0,
            picture ? Rung.Height : 0,
            picture ? Rate.Hz : 0,
            made.Segments.PeakBps,
            made.Segments.AverageBps,
            [.. made.Segments.Segments.Select(segment => segment.DurationSeconds)],
            1
        );
        return new VideoRenditionEncoded(Sample.Id, rendition, new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero));
    }
}
