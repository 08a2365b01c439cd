using EventStream.Contracts;
using FFMpegCore;
using FFMpegCore.Arguments;
using FFMpegCore.Enums;

namespace EventStream.Encode.Ffmpeg;

/// <summary>One rung and the file it goes to.</summary>
public sealed record RungOutput(Rung Rung, string Path);

/// <summary>A sound, the first of the source where it is null, its bitrate in bits per second, and its file.</summary>
public sealed record SoundOutput(SourceSound? Sound, int BitsPerSecond, string Path);

/// <summary>
/// How pictures are encoded: rate, length of a GOP in seconds, the encoder's preset, threads (0: one for each core),
/// whether they keep the high range of the source, as HEVC, or get a standard one, the codec of that, and which of the
/// pictures, where not all.
/// </summary>
public sealed record PictureSettings(
    FrameRate Rate,
    double SegmentSeconds,
    string Preset,
    int Threads,
    bool KeepsRange = false,
    PictureRange? Pictures = null,
    string Codec = PictureCodec.H264
);

/// <summary>What is asked of ffmpeg for rungs and sounds.</summary>
public static partial class FfmpegRecipes
{
    /// <summary>Samples per second of the sound.</summary>
    private const int SoundHz = 48_000;

    /// <summary>
    /// Rungs, each as an MP4 at a constant frame rate that starts at zero, progressive, and a sound where
    /// <paramref name="sound"/> is given, in one reading and decoding of the source. Where the source was measured
    /// every output has exactly the pictures or samples of <paramref name="part"/>: the last picture is held to its
    /// end, and silence fills the sound.
    /// </summary>
    public static FFMpegArgumentProcessor Tracks(
        string source,
        IReadOnlyList<RungOutput> rungs,
        PictureSettings settings,
        SoundOutput? sound = null,
        PlayedPart? part = null,
        SourcePicture? picture = null
    ) =>
        From(source, input => input.WithThreads(settings.Threads), part, settings.Pictures)
            .OutputToMany(outputs =>
            {
                for (var i = 0; i < rungs.Count; i++)
                {
                    var (rung, at) = (rungs[i], i);
                    outputs.OutputToFile(
                        SourceFile.Address(rung.Path),
                        true,
                        options =>
                            (
                                rungs.Count == 1
                                    ? options
                                        .Picture(picture)
                                        .WithVideoFilters(filters =>
                                            filters
                                                .Steady(settings, part, picture)
                                                .Shape(rung.Rung, settings, part, picture)
                                        )
                                    : (at == 0 ? options.Split(rungs, settings, part, picture) : options)
                                        .WithCustomArgument($"-map [v{at}]")
                                        .DisableAudio()
                                        .Bare()
                            ).Coded(rung.Rung, settings, part, picture)
                    );
                }

                if (sound is not null)
                    outputs.OutputToFile(SourceFile.Address(sound.Path), true, options => options.Aac(sound, part));
            });

    /// <summary>A sound, or the first audio track, by itself; bitrate in bits per second.</summary>
    public static FFMpegArgumentProcessor Audio(
        string source,
        string output,
        int bitsPerSecond,
        PlayedPart? part = null,
        SourceSound? sound = null
    ) =>
        From(source, input => input.WithThreads(1), part)
            .OutputToFile(
                SourceFile.Address(output),
                true,
                options => options.Aac(new SoundOutput(sound, bitsPerSecond, output), part)
            );

    /// <summary>
    /// Full motion at the rate of the encode, once for every rung. A range is cut from the same pictures that the whole
    /// source has: those before its first one, which decoding begins with, are let go after the rate is made constant.
    /// </summary>
    private static VideoFilterOptions Steady(
        this VideoFilterOptions filters,
        PictureSettings settings,
        PlayedPart? part,
        SourcePicture? picture
    )
    {
        var steady = filters.FullMotion(picture).WithCustomFilter("fps", $"fps={settings.Rate}:start_time=0");
        return settings.Pictures is { First: > 0 and var first }
            ? steady
                .Hold(part?.Frames(settings.Rate))
                .WithCustomFilter("trim", $"start_frame={first}")
                .WithCustomFilter("setpts", "PTS-STARTPTS")
            : steady;
    }

    /// <summary>The size and colours of one rung, held to the end of the part.</summary>
    private static VideoFilterOptions Shape(
        this VideoFilterOptions filters,
        Rung rung,
        PictureSettings settings,
        PlayedPart? part,
        SourcePicture? picture
    ) =>
        filters
            .Size(rung.Width, rung.Height)
            .StandardRange(settings.KeepsRange ? null : picture)
            .WithCustomFilter("format", settings.KeepsRange ? "yuv420p10le" : "yuv420p")
            .Hold(part?.Frames(settings.Rate));

    /// <summary>The graph that gives each rung its pictures, as <c>[v0]</c>, <c>[v1]</c> and so on.</summary>
    private static FFMpegOutputOptions Split(
        this FFMpegOutputOptions options,
        IReadOnlyList<RungOutput> rungs,
        PictureSettings settings,
        PlayedPart? part,
        SourcePicture? picture
    )
    {
        static string Chain(VideoFilterOptions filters) =>
            string.Join(',', filters.Arguments.Select(filter => $"{filter.Key}={filter.Value}"));
        var steady = Chain(new VideoFilterOptions().Steady(settings, part, picture));
        var names = string.Concat(rungs.Select((_, i) => $"[s{i}]"));
        var shapes = rungs.Select(
            (rung, i) => $"[s{i}]{Chain(new VideoFilterOptions().Shape(rung.Rung, settings, part, picture))}[v{i}]"
        );
        var graph = $"[0:{Number(picture)}]{steady},split={rungs.Count}{names};{string.Join(';', shapes)}";
        return options.WithCustomArgument($"-filter_complex \"{graph}\"");
    }

    /// <summary>AAC-LC, mixed down to stereo at 48 kHz, silent where the source begins later.</summary>
    private static FFMpegOutputOptions Aac(this FFMpegOutputOptions options, SoundOutput sound, PlayedPart? part) =>
        options
            .Sound(sound.Sound, part?.Samples(SoundHz))
            .WithAudioCodec(AudioCodec.Aac)
            .WithCustomArgument("-profile:a aac_low")
            .WithAudioChannels(2)
            .WithAudioSamplingRate(SoundHz)
            .WithAudioBitrate(Kilobits(sound.BitsPerSecond))
            .ForceFormat(ContainerFormats.Mp4);

    /// <summary>A sound from zero on. Two streams of one channel are joined to one of two.</summary>
    private static FFMpegOutputOptions Sound(this FFMpegOutputOptions options, SourceSound? sound, long? samples)
    {
        var fill = Fill(samples);
        if (sound?.RightIndex is { } right)
        {
            // Channels without a layout cannot be merged.
            var one = string.Join(',', [.. fill.Select(f => $"{f.Name}={f.Value}"), "aformat=channel_layouts=mono"]);
            var graph =
                $"[0:{sound.Index}]{one}[l];[0:{right}]{one}[r];[l][r]amerge=inputs=2,pan=stereo|c0=c0|c1=c1[a]";
            return options.WithCustomArgument($"-filter_complex \"{graph}\" -map [a]").DisableVideo().Bare();
        }

        var pan = sound is null ? null : AudioMix.Pan(sound.Channels, sound.Layout);
        return options
            .WithCustomArgument($"-map 0:{sound?.Index.ToString() ?? "a:0"}")
            .DisableVideo()
            .Bare()
            .WithAudioFilters(filters =>
            {
                if (pan is not null)
                    filters.WithCustomFilter("pan", pan);
                foreach (var (name, value) in fill)
                    filters.WithCustomFilter(name, value);
            });
    }

    private static FFMpegOutputOptions Frames(this FFMpegOutputOptions options, int? frames) =>
        frames is { } all ? options.WithFrameCount(all) : options;

    /// <summary>Silence where the source has no sound, to exactly so many samples where that is known.</summary>
    private static (string Name, string Value)[] Fill(long? samples) =>
        samples is { } all
            ?
            [
                ("aresample", $"{SoundHz}:async=1:first_pts=0"),
                ("apad", $"whole_len={all}"),
                ("atrim", $"end_sample={all}"),
            ]
            : [("aresample", "async=1:first_pts=0")];
}
