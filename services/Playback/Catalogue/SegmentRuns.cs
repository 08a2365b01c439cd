namespace EventStream.Playback.Catalogue;

/// <summary>
/// <paramref name="Count"/> segments of the same <paramref name="Duration"/>, in ticks of the timescale.
/// </summary>
public readonly record struct SegmentRun(long Duration, int Count);

/// <summary>
/// The durations of a track's segments as integers of a timescale (ticks per second), equal neighbours joined. Two
/// hours of two-second segments are a handful of runs instead of thousands of numbers.
/// </summary>
public sealed record SegmentRuns(int Timescale, IReadOnlyList<SegmentRun> Runs)
{
    // Frame rates and audio rates whose segments come out as whole numbers; the last one approximates to the
    // microsecond.
    private static readonly int[] Timescales = [90_000, 48_000, 44_100, 1_000_000];
    private const double Whole = 1e-3;

    /// <summary>Sum of the durations in seconds.</summary>
    public double TotalSeconds => Runs.Sum(run => (double)run.Duration * run.Count) / Timescale;

    /// <summary>The longest segment in seconds.</summary>
    public double LongestSeconds => Runs.Count == 0 ? 0 : (double)Runs.Max(run => run.Duration) / Timescale;

    /// <summary>
    /// Finds a timescale in which every duration is whole. Where none fits, boundaries (not durations) are rounded,
    /// so that the error never grows beyond one tick.
    /// </summary>
    public static SegmentRuns From(IReadOnlyList<double> seconds)
    {
        var timescale = Timescales.FirstOrDefault(scale => seconds.All(s => IsWhole(s * scale)), Timescales[^1]);
        var runs = new List<SegmentRun>();
        double end = 0;
        long start = 0;
        foreach (var second in seconds)
        {
            end += second;
            var boundary = (long)Math.Round(end * timescale);
            var duration = boundary - start;
            if (runs.Count > 0 && runs[^1].Duration == duration)
                runs[^1] = new SegmentRun(duration, runs[^1].Count + 1);
            else
                runs.Add(new SegmentRun(duration, 1));
            start = boundary;
        }

        return new SegmentRuns(timescale, runs);
    }

    private static bool IsWhole(double value) => Math.Abs(value - Math.Round(value)) < Whole;
}
