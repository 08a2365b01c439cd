using System.Globalization;
using EventStream.Contracts;

namespace EventStream.Encode.Ffmpeg;

/// <summary>
/// What ffmpeg is asked to do, as whole lists of arguments; pure, so that they are asserted without a process.
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
    /// No chatter and no questions; progress as <c>key=value</c> lines on standard output twice a second.
    /// </summary>
    private static readonly Flag Quiet = new(
        "-hide_banner", "-nostdin", "-loglevel", "error", "-y", "-progress", "pipe:1", "-stats_period", "0.5");

    /// <summary>Only what is asked for goes out: no subtitles, data, chapters or tags of the source.</summary>
    private static readonly Flag Bare = new("-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1");

    /// <summary>One rung as an MP4 of H.264, at a constant frame rate that starts at zero.</summary>
    public static IReadOnlyList<string> Rung(
        string source, string output, Rung rung, FrameRate rate, double segmentSeconds, string preset, int threads) =>
            Words(
        Quiet, new Threads(threads), new SourceFile(source), new Map("0:V:0"), new Flag("-an"), Bare,
        new VideoFilters(
            $"fps=fps={rate}:start_time=0", Size(rung.Width, rung.Height), "setsar=1", "format=yuv420p"),
        new H264(Math.Min(rung.Width, rung.Height) < HighProfileFrom ? "main" : "high", preset),
        new FixedGop(rate.FramesPerGop(segmentSeconds)), new CappedBitrate(rung.VideoBitrateBps),
        new Threads(threads), new Flag("-fps_mode", "passthrough", "-f", "mp4"), new Output(output));

    /// <summary>
    /// The first audio track as an MP4 of AAC, mixed down to stereo, silent where the source begins later.
    /// </summary>
    public static IReadOnlyList<string> Audio(string source, string output, int bitsPerSecond) => Words(
        Quiet, new Threads(1), new SourceFile(source), new Map("0:a:0"), new Flag("-vn"), Bare,
        new AudioFilters("aresample=async=1:first_pts=0"), new AacStereo(bitsPerSecond), new Flag("-f", "mp4"),
        new Output(output));

    /// <summary>The poster: one picture at <paramref name="atSeconds"/>, at most 1280 pixels wide.</summary>
    public static IReadOnlyList<string> Poster(string source, string output, SourceInfo info, double atSeconds)
    {
        var width = Math.Min(1280, info.Width);
        return Words(
            Quiet, new Threads(1), new SeekTo(atSeconds), new SourceFile(source), new Map("0:V:0"), new Flag("-an"),
                Bare,
            new VideoFilters(Size(Even(width), Even((double)width * info.Height / info.Width)), "setsar=1",
                "format=yuvj420p"),
            new OneJpeg(3), new Output(output));
    }

    /// <summary>The sprite: a picture each <see cref="SpriteSheet.IntervalSeconds"/>, tiled row by row.</summary>
    public static IReadOnlyList<string> Sprite(string source, string output, SpriteSheet sheet)
    {
        var interval = sheet.IntervalSeconds.ToString("0.######", CultureInfo.InvariantCulture);
        return Words(
            Quiet, new Threads(1), sheet.KeyFramesOnly ? new Flag("-skip_frame", "nokey") : new Flag(),
            new SourceFile(source), new Map("0:V:0"), new Flag("-an"), Bare,
            new VideoFilters(
                $"fps=fps=1/{interval}:start_time=0:round=up", Size(sheet.TileWidth, sheet.TileHeight), "setsar=1",
                $"tile={sheet.Columns}x{sheet.Rows}", "format=yuvj420p"),
            new OneJpeg(5), new Output(output));
    }

    /// <summary>
    /// Reads every packet of picture and sound without decoding; its progress tells where the source really ends.
    /// </summary>
    public static IReadOnlyList<string> Measure(string source) => Words(
        Quiet, new SourceFile(source), new Map("0:V:0"), new Map("0:a:0?"), new Flag("-c", "copy", "-f", "null", "-"));

    private static string Size(int width, int height) => $"scale={width}:{height}:flags=bicubic";

    private static int Even(double pixels) => Math.Max(2, (int)Math.Round(pixels / 2) * 2);

    private static List<string> Words(params IEnumerable<IFfmpegArgument> arguments) =>
        arguments.SelectMany(argument => argument.Words).ToList();
}
