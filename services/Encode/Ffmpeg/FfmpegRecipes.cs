using EventStream.Contracts;
using FFMpegCore;
using FFMpegCore.Arguments;

namespace EventStream.Encode.Ffmpeg;

/// <summary>
/// What ffmpeg is asked to do, as FFMpegCore's builder; pure, so that the whole command line is asserted without a
/// process. Options that the library lacks are custom arguments.
/// </summary>
public static partial class FfmpegRecipes
{
    /// <summary>Width in pixels of one picture of the sprite.</summary>
    public const int ThumbnailWidth = 160;

    /// <summary>
    /// Errors only, and a progress line twice a second. <c>-nostdin</c> must not be here: a run is cancelled by a
    /// <c>q</c> on standard input.
    /// </summary>
    private const string Quiet = "-hide_banner -loglevel error -stats_period 0.5";

    private static readonly string Guard = string.Join(' ', SourceFile.Guard);

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
    /// moved to the container's zero, also where a range is read from its own key frame on.
    /// </summary>
    private static FFMpegArguments From(
        string source,
        Func<FFMpegInputOptions, FFMpegInputOptions> more,
        PlayedPart? part = null,
        PictureRange? range = null
    ) =>
        FFMpegArguments.FromFileInput(
            SourceFile.Address(source),
            verifyExists: false,
            input =>
            {
                more(input.WithCustomArgument(Quiet));
                if (range is { SeekSeconds: > 0 and var seek })
                    // ffmpeg moves the time that is sought to zero, which is undone here.
                    input.WithCustomArgument(
                        FormattableString.Invariant(
                            $"-noaccurate_seek -ss {seek} -itsoffset {seek - (part?.StartSeconds ?? 0):0.######}"
                        )
                    );
                else if (part is { StartSeconds: > 0 and var start })
                    input.WithCustomArgument(FormattableString.Invariant($"-itsoffset {-start:0.######}"));
                input.WithCustomArgument(Guard);
            }
        );

    /// <summary>
    /// The chosen picture by its number. <c>0:V:0</c>, which the library cannot write, is the first video that is no
    /// cover picture.
    /// </summary>
    private static FFMpegOutputOptions Picture(this FFMpegOutputOptions options, SourcePicture? picture) =>
        options.WithCustomArgument($"-map 0:{Number(picture)}").DisableAudio().Bare();

    private static string Number(SourcePicture? picture) => picture?.Index.ToString() ?? "V:0";

    /// <summary>Repeats the last picture; so many frames, where that is known, are enough for any end.</summary>
    private static VideoFilterOptions Hold(this VideoFilterOptions filters, int? frames) =>
        frames is { } most ? filters.WithCustomFilter("tpad", $"stop={most}:stop_mode=clone") : filters;

    /// <summary>Only what is asked for goes out: no subtitles, data, chapters or tags of the source.</summary>
    private static FFMpegOutputOptions Bare(this FFMpegOutputOptions options) =>
        options.DisableSubtitles().DisableData().WithoutMetadata().WithoutChapters();

    private static VideoFilterOptions Size(this VideoFilterOptions filters, int width, int height) =>
        filters.WithCustomFilter("scale", $"{width}:{height}:flags=bicubic").WithCustomFilter("setsar", "1");

    /// <summary>One JPEG picture; quality from 2 (best) to 31.</summary>
    private static FFMpegOutputOptions OneJpeg(this FFMpegOutputOptions options, int quality) =>
        options
            .WithFrameCount(1)
            .WithVideoCodec("mjpeg")
            .WithVideoQualityScale(quality)
            .ForceFormat("image2")
            .WithCustomArgument("-update 1");

    private static int Even(double pixels) => Math.Max(2, (int)Math.Round(pixels / 2) * 2);
}
