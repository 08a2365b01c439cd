using EventStream.Contracts;
using FFMpegCore;
using FFMpegCore.Enums;

namespace EventStream.Encode.Ffmpeg;

/// <summary>How ffmpeg encodes a picture.</summary>
public static partial class FfmpegRecipes
{
    /// <summary>
    /// Below this short side the picture is small enough for the Main profile, which every old device decodes.
    /// </summary>
    private const int HighProfileFrom = 720;

    /// <summary>x264's profile of a rung.</summary>
    public static string Profile(Rung rung) => Math.Min(rung.Width, rung.Height) < HighProfileFrom ? "main" : "high";

    /// <summary>A rung as an MP4, to the end of the part.</summary>
    private static FFMpegOutputOptions Coded(
        this FFMpegOutputOptions options,
        Rung rung,
        PictureSettings settings,
        PlayedPart? part,
        SourcePicture? picture
    )
    {
        var paced = options.Frames(settings.Pictures?.Count ?? part?.Frames(settings.Rate));
        return (
            settings.KeepsRange ? paced.Hevc(settings, picture!).CappedBitrate(rung)
            : settings.Codec != PictureCodec.H264 ? paced.Further(rung, settings)
            : paced.H264(rung, settings).CappedBitrate(rung)
        ).WithThreads(settings.Threads).WithFpsMode(FpsMode.Passthrough).ForceFormat(ContainerFormats.Mp4);
    }

    private static FFMpegOutputOptions H264(this FFMpegOutputOptions options, Rung rung, PictureSettings settings) =>
        options
            .WithVideoCodec(VideoCodec.LibX264)
            .WithVideoProfile(Profile(rung))
            .WithSpeedPreset(settings.Preset)
            .FixedGop(settings.Rate.FramesPerGop(settings.SegmentSeconds));

    /// <summary>HEVC Main 10 in the range of a picture, in closed GOPs too.</summary>
    private static FFMpegOutputOptions Hevc(
        this FFMpegOutputOptions options,
        PictureSettings settings,
        SourcePicture picture
    )
    {
        var (primaries, matrix) = PictureFilters.Colours(picture);
        var gop = settings.Rate.FramesPerGop(settings.SegmentSeconds);
        return options
            .WithVideoCodec("libx265")
            .WithVideoProfile("main10")
            .WithSpeedPreset(settings.Preset)
            .WithCustomArgument(
                $"-tag:v hvc1 -x265-params keyint={gop}:min-keyint={gop}:scenecut=0:open-gop=0:range=limited"
                    + $":colorprim={primaries}:transfer={picture.Transfer}:colormatrix={matrix}:log-level=error"
            );
    }

    /// <summary>
    /// Closed GOPs of exactly <paramref name="frames"/> frames. The key frames are asked for by frame number, because
    /// an expression on time drifts from whole frames at rates such as 30000/1001.
    /// </summary>
    private static FFMpegOutputOptions FixedGop(this FFMpegOutputOptions options, int frames) =>
        options
            .WithGopSize(frames)
            .WithCustomArgument(
                $"-keyint_min {frames} -sc_threshold 0 -flags +cgop -force_key_frames expr:not(mod(n,{frames}))"
            );

    /// <summary>
    /// Constant quality, or a variable bitrate, held below a quarter more than the rung's by a buffer of two seconds.
    /// </summary>
    private static FFMpegOutputOptions CappedBitrate(this FFMpegOutputOptions options, Rung rung)
    {
        var bitsPerSecond = rung.VideoBitrateBps;
        return (
            rung.Crf is { } crf
                ? options.WithCustomArgument(FormattableString.Invariant($"-crf {crf}"))
                : options.WithVideoBitrate(Kilobits(bitsPerSecond))
        )
            .WithMaxBitrate(Kilobits(bitsPerSecond * 5L / 4))
            .WithBufferSize(Kilobits(bitsPerSecond * 2L));
    }

    /// <summary>The library writes bitrates in whole kilobits, of which every rung has a whole number.</summary>
    private static int Kilobits(long bitsPerSecond) => (int)Math.Max(1, Math.Round(bitsPerSecond / 1000.0));
}
