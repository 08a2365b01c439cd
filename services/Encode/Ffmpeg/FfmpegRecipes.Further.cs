using EventStream.Contracts;
using FFMpegCore;

namespace EventStream.Encode.Ffmpeg;

/// <summary>How ffmpeg encodes the pictures and sounds of further ladders.</summary>
public static partial class FfmpegRecipes
{
    /// <summary>Half the speed of the next one, for a tenth fewer bits at equal SSIM.</summary>
    private const int SvtPreset = 8;

    private const int Vp9Speed = 4;

    /// <summary>A sound as stereo Opus at 48 kHz; bitrate in bits per second.</summary>
    public static FFMpegArgumentProcessor Opus(
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
                options =>
                    options
                        .Sound(sound, part?.Samples(SoundHz))
                        .WithAudioCodec("libopus")
                        .WithCustomArgument("-vbr constrained")
                        .WithAudioChannels(2)
                        .WithAudioSamplingRate(SoundHz)
                        .WithAudioBitrate(Kilobits(bitsPerSecond))
                        .ForceFormat("mp4")
            );

    /// <summary>
    /// A pass over a rung in VP9: the first notes at <paramref name="notes"/> how hard each picture is, the second
    /// encodes by those notes.
    /// </summary>
    public static FFMpegArgumentProcessor Vp9Pass(
        int pass,
        string source,
        RungOutput output,
        PictureSettings settings,
        string notes,
        PlayedPart? part = null,
        SourcePicture? picture = null
    ) =>
        From(source, input => input.WithThreads(settings.Threads), part)
            .OutputToFile(
                SourceFile.Address(output.Path),
                true,
                options =>
                    options
                        .Picture(picture)
                        .WithVideoFilters(filters =>
                            filters.Steady(settings, part, picture).Shape(output.Rung, settings, part, picture)
                        )
                        .Coded(output.Rung, settings, part, picture)
                        .WithCustomArgument($"-pass {pass} -passlogfile \"{notes}\"{(pass == 1 ? " -f null" : "")}")
            );

    /// <summary>
    /// A rung in another codec than H.264: closed GOPs of the same length, and a constant quality.
    /// </summary>
    private static FFMpegOutputOptions Further(this FFMpegOutputOptions options, Rung rung, PictureSettings settings)
    {
        var gop = settings.Rate.FramesPerGop(settings.SegmentSeconds);
        return settings.Codec switch
        {
            PictureCodec.Hevc => options
                .WithVideoCodec("libx265")
                .WithVideoProfile("main")
                .WithSpeedPreset(settings.Preset)
                .WithCustomArgument(
                    $"-tag:v hvc1 -x265-params keyint={gop}:min-keyint={gop}:scenecut=0:open-gop=0"
                        + $"{Bound(":pools=", settings)}:log-level=error"
                )
                .CappedBitrate(rung),
            PictureCodec.Av1 => options
                .WithVideoCodec("libsvtav1")
                .WithGopSize(gop)
                .WithCustomArgument($"-preset {SvtPreset} -svtav1-params scd=0{Bound(":lp=", settings)}")
                .CappedBitrate(rung),
            PictureCodec.Vp9 => options
                .WithVideoCodec("libvpx-vp9")
                .WithGopSize(gop)
                .WithCustomArgument(
                    $"-keyint_min {gop} -deadline good -cpu-used {Vp9Speed} -row-mt 1 -tile-columns 2"
                        + $" -b:v {Kilobits(rung.VideoBitrateBps)}k"
                )
                .CappedBitrate(rung),
            _ => throw new UnknownMessageException($"The codec '{settings.Codec}' is unknown."),
        };
    }

    /// <summary>The bound on threads in an encoder's own words; nothing where it takes one for each core.</summary>
    private static string Bound(string words, PictureSettings settings) =>
        settings.Threads > 0 ? $"{words}{settings.Threads}" : "";
}
