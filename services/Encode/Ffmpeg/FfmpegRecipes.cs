using EventStream.Contracts;
using FFMpegCore;
using FFMpegCore.Arguments;
using FFMpegCore.Enums;

namespace EventStream.Encode.Ffmpeg;

/// <summary>
/// What ffmpeg is asked to do, as FFMpegCore's builder; pure, so that the whole command line is asserted without a
/// process. Options that the library lacks are custom arguments.
/// </summary>
public static class FfmpegRecipes
{
    /// <summary>Width in pixels of one picture of the sprite.</summary>
    public const int ThumbnailWidth = 160;

    /// <summary>
    /// Below this short side the picture is small enough for the Main profile, which every old device decodes.
    /// </summary>
    private const int HighProfileFrom = 720;

    /// <summary>
    /// Errors only, and a progress line twice a second. <c>-nostdin</c> must not be here: a run is cancelled by a
    /// <c>q</c> on standard input.
    /// </summary>
    private const string Quiet = "-hide_banner -loglevel error -stats_period 0.5";

    private static readonly string Guard = string.Join(' ', SourceFile.Guard);

    /// <summary>Samples per second of the sound.</summary>
    private const int SoundHz = 48_000;

    /// <summary>
    /// One rung as an MP4 of H.264, at a constant frame rate that starts at zero, progressive and of standard range.
    /// Where the source was measured it has exactly the pictures of <paramref name="part"/>: the last one is held to
    /// its end.
    /// </summary>
    public static FFMpegArgumentProcessor Rung(
        string source,
        string output,
        Rung rung,
        FrameRate rate,
        double segmentSeconds,
        string preset,
        int threads,
        PlayedPart? part = null,
        SourcePicture? picture = null
    ) =>
        From(source, input => input.WithThreads(threads), part)
            .OutputToFile(
                SourceFile.Address(output),
                options =>
                    options
                        .Picture(picture)
                        .WithVideoFilters(filters =>
                            filters
                                .FullMotion(picture)
                                .WithCustomFilter("fps", $"fps={rate}:start_time=0")
                                .Size(rung.Width, rung.Height)
                                .StandardRange(picture)
                                .WithCustomFilter("format", "yuv420p")
                                .Hold(part?.Frames(rate))
                        )
                        .Frames(part?.Frames(rate))
                        .WithVideoCodec(VideoCodec.LibX264)
                        .WithVideoProfile(Profile(rung))
                        .WithSpeedPreset(preset)
                        .FixedGop(rate.FramesPerGop(segmentSeconds))
                        .CappedBitrate(rung)
                        .WithThreads(threads)
                        .WithFpsMode(FpsMode.Passthrough)
                        .ForceFormat(ContainerFormats.Mp4)
            );

    /// <summary>
    /// A sound, or the first audio track, as an MP4 of AAC-LC, mixed down to stereo at 48 kHz, silent where the source
    /// begins later. Where the source was measured it has exactly the samples of <paramref name="part"/>: silence fills
    /// it.
    /// </summary>
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
                options =>
                    options
                        .Sound(sound, part?.Samples(SoundHz))
                        .WithAudioCodec(AudioCodec.Aac)
                        .WithCustomArgument("-profile:a aac_low")
                        .WithAudioChannels(2)
                        .WithAudioSamplingRate(SoundHz)
                        .WithAudioBitrate(Kilobits(bitsPerSecond))
                        .ForceFormat(ContainerFormats.Mp4)
            );

    /// <summary>
    /// The poster, at most 1280 pixels wide: the picture at <paramref name="atSeconds"/>, or the first one where that
    /// is null.
    /// </summary>
    public static FFMpegArgumentProcessor Poster(string source, string output, SourceInfo info, double? atSeconds)
    {
        var width = Math.Min(1280, info.Width);
        TimeSpan? at = atSeconds is { } seconds ? TimeSpan.FromSeconds(seconds + (info.StartSeconds ?? 0)) : null;
        return From(source, input => at is { } start ? input.WithThreads(1).WithStartTime(start) : input.WithThreads(1))
            .OutputToFile(
                SourceFile.Address(output),
                options =>
                    options
                        .Picture(info.Picture)
                        .WithVideoFilters(filters =>
                            filters
                                .WholeFrames(info.Picture)
                                .Size(Even(width), Even((double)width * info.Height / info.Width))
                                .StandardRange(info.Picture)
                                .WithCustomFilter("format", "yuvj420p")
                        )
                        .OneJpeg(quality: 3)
            );
    }

    /// <summary>
    /// The sprite: a picture each <see cref="SpriteSheet.IntervalSeconds"/>, tiled row by row, the last one held to
    /// the last tile. A sheet of one tile is the first picture.
    /// </summary>
    public static FFMpegArgumentProcessor Sprite(
        string source,
        string output,
        SpriteSheet sheet,
        PlayedPart? part = null,
        SourcePicture? picture = null
    ) =>
        From(
                source,
                input => (sheet.KeyFramesOnly ? input.WithCustomArgument("-skip_frame nokey") : input).WithThreads(1),
                part
            )
            .OutputToFile(
                SourceFile.Address(output),
                options =>
                    options
                        .Picture(picture)
                        .WithVideoFilters(filters =>
                            (
                                sheet.Tiles == 1
                                    ? filters.Size(sheet.TileWidth, sheet.TileHeight).StandardRange(picture)
                                    : filters
                                        .WithCustomFilter("fps", Each(sheet.IntervalSeconds))
                                        .Size(sheet.TileWidth, sheet.TileHeight)
                                        .StandardRange(picture)
                                        .Hold(sheet.Columns * sheet.Rows)
                                        .WithCustomFilter("tile", $"{sheet.Columns}x{sheet.Rows}")
                            ).WithCustomFilter("format", "yuvj420p")
                        )
                        .OneJpeg(quality: 5)
            );

    /// <summary>
    /// Each text as WebVTT under the name that <paramref name="output"/> gives its place, in one reading of the source
    /// and each of at most <paramref name="bytesMax"/>. Times count from the begin of <paramref name="part"/>.
    /// </summary>
    public static FFMpegArgumentProcessor Subtitles(
        string source,
        IReadOnlyList<SourceText> texts,
        Func<int, string> output,
        int bytesMax,
        PlayedPart? part = null
    )
    {
        string Options(int place) =>
            $"-map 0:{texts[place].Index} -vn -an -dn -map_metadata -1 -map_chapters -1 -c:s webvtt -fs {bytesMax} "
            + "-f webvtt";
        // The library has no second output: all but the last are words before it.
        var others = Enumerable
            .Range(0, texts.Count - 1)
            .Select(place => $"{Options(place)} \"{SourceFile.Address(output(place))}\" ");
        return From(source, input => input.WithThreads(1), part)
            .OutputToFile(
                SourceFile.Address(output(texts.Count - 1)),
                options => options.WithCustomArgument($"{string.Concat(others)}{Options(texts.Count - 1)}")
            );
    }

    private static string Each(double seconds) =>
        FormattableString.Invariant($"fps=1/{seconds:0.######}:start_time=0:round=up");

    /// <summary>
    /// The existence of the source is not checked here: ffmpeg's own message names what is wrong. The part's begin is
    /// moved to the container's zero.
    /// </summary>
    private static FFMpegArguments From(
        string source,
        Func<FFMpegInputOptions, FFMpegInputOptions> more,
        PlayedPart? part = null
    ) =>
        FFMpegArguments.FromFileInput(
            SourceFile.Address(source),
            verifyExists: false,
            input =>
            {
                more(input.WithCustomArgument(Quiet));
                if (part is { StartSeconds: > 0 and var start })
                    input.WithCustomArgument(FormattableString.Invariant($"-itsoffset {-start:0.######}"));
                input.WithCustomArgument(Guard);
            }
        );

    /// <summary>
    /// The chosen picture by its number. <c>0:V:0</c>, which the library cannot write, is the first video that is no
    /// cover picture.
    /// </summary>
    private static FFMpegOutputOptions Picture(this FFMpegOutputOptions options, SourcePicture? picture) =>
        options.WithCustomArgument($"-map 0:{picture?.Index.ToString() ?? "V:0"}").DisableAudio().Bare();

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

    /// <summary>Repeats the last picture; so many frames, where that is known, are enough for any end.</summary>
    private static VideoFilterOptions Hold(this VideoFilterOptions filters, int? frames) =>
        frames is { } most ? filters.WithCustomFilter("tpad", $"stop={most}:stop_mode=clone") : filters;

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

    /// <summary>Only what is asked for goes out: no subtitles, data, chapters or tags of the source.</summary>
    private static FFMpegOutputOptions Bare(this FFMpegOutputOptions options) =>
        options.DisableSubtitles().DisableData().WithoutMetadata().WithoutChapters();

    private static VideoFilterOptions Size(this VideoFilterOptions filters, int width, int height) =>
        filters.WithCustomFilter("scale", $"{width}:{height}:flags=bicubic").WithCustomFilter("setsar", "1");

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

    /// <summary>x264's profile of a rung.</summary>
    public static string Profile(Rung rung) => Math.Min(rung.Width, rung.Height) < HighProfileFrom ? "main" : "high";

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

    /// <summary>One JPEG picture; quality from 2 (best) to 31.</summary>
    private static FFMpegOutputOptions OneJpeg(this FFMpegOutputOptions options, int quality) =>
        options
            .WithFrameCount(1)
            .WithVideoCodec("mjpeg")
            .WithVideoQualityScale(quality)
            .ForceFormat("image2")
            .WithCustomArgument("-update 1");

    /// <summary>The library writes bitrates in whole kilobits, of which every rung has a whole number.</summary>
    private static int Kilobits(long bitsPerSecond) => (int)Math.Max(1, Math.Round(bitsPerSecond / 1000.0));

    private static int Even(double pixels) => Math.Max(2, (int)Math.Round(pixels / 2) * 2);
}
