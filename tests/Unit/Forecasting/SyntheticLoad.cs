using EventStream.Forecasting;

namespace EventStream.Unit.Tests.Forecasting;

/// <summary>Load series with a known law, from a seed.</summary>
internal static class SyntheticLoad
{
    public static readonly Season Compressed = new(24, TimeSpan.FromSeconds(3));

    /// <summary>A daily curve between 20 and 180 with its peak at a third of the day; no noise.</summary>
    public static double Daily(Season season, long step) =>
        100 + (80 * Math.Sin(2 * Math.PI * (step % season.Day) / season.Day));

    /// <summary>The daily curve, a third lower on two days of seven.</summary>
    public static double Weekly(Season season, long step)
    {
        var day = step / season.Day % 7;
        return Daily(season, step) * (day >= 5 ? 0.66 : 1);
    }

    public static History Series(
        Season season,
        int steps,
        Func<Season, long, double> law,
        double noise = 0,
        int seed = 7
    )
    {
        var random = new Random(seed);
        var values = new double[steps];
        for (var t = 0; t < steps; t++)
        {
            var value = law(season, t);
            values[t] = Math.Max(0, value + (noise * Math.Sqrt(value) * Gaussian(random)));
        }

        return new History(values, 0);
    }

    /// <summary>Mean absolute error of a path against the steps that follow a history.</summary>
    public static double Error(IReadOnlyList<double> path, History all, int origin)
    {
        double sum = 0;
        for (var h = 0; h < path.Count; h++)
            sum += Math.Abs(path[h] - all.Span[origin + h]);
        return sum / path.Count;
    }

    private static double Gaussian(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
