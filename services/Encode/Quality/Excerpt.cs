using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;

namespace EventStream.Encode.Quality;

/// <summary>
/// A few GOPs of a video: <paramref name="FirstGop"/> counts from 0, <paramref name="Frames"/> are at a constant rate.
/// </summary>
public sealed record Excerpt(int FirstGop, int Gops, int Frames)
{
    /// <summary>
    /// Excerpts that lie evenly over a source and hold at most <paramref name="gopsMax"/> GOPs, in runs of
    /// <paramref name="run"/>; all of it, in one, where it is no longer.
    /// </summary>
    public static IReadOnlyList<Excerpt> Of(SourceInfo source, double segmentSeconds, int gopsMax, int run)
    {
        var rate = FrameRate.FromHz(source.FramesPerSecond);
        var perGop = rate.FramesPerGop(segmentSeconds);
        var frames = new PlayedPart(0, source.DurationSeconds).Frames(rate);
        var gops = (frames + perGop - 1) / perGop;
        if (gops <= gopsMax)
            return [new Excerpt(0, gops, frames)];
        var runs = Math.Max(1, gopsMax / run);
        return
        [
            .. Enumerable
                .Range(0, runs)
                // Each lies in the middle of its part, where no titles are.
                .Select(i => (int)((((2.0 * i) + 1) / (2 * runs) * gops) - (run / 2.0)))
                .Select(first => Math.Clamp(first, 0, gops - run))
                .Select(first => new Excerpt(first, run, Math.Min(run * perGop, frames - (first * perGop)))),
        ];
    }

    /// <summary>
    /// A source is opened so many seconds before an excerpt, which is more than its key frames are usually apart:
    /// containers without an index, such as MPEG-TS, are opened between two of them.
    /// </summary>
    public const double LeadSeconds = 12;

    /// <summary>GOPs that are read before it.</summary>
    public int LeadGops(FrameRate rate, double segmentSeconds) =>
        Math.Min(FirstGop, (int)Math.Ceiling(LeadSeconds / rate.GopSeconds(segmentSeconds)));

    /// <summary>Where it begins, in seconds after the begin of the played part.</summary>
    public double StartSeconds(FrameRate rate, double segmentSeconds) => FirstGop * rate.GopSeconds(segmentSeconds);

    /// <summary>Its length in seconds.</summary>
    public double Seconds(FrameRate rate) => Frames / rate.Hz;
}
