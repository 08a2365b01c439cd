namespace EventStream.Cli.Load;

/// <summary>
/// How many viewers there are at a time of day: low at night, a bump at noon, the peak in the evening, as video
/// traffic has it. Pure; a day's level varies a little with the seed.
/// </summary>
public sealed class DailyCurve(int peak, int seed)
{
    private const double NightShare = 0.14;
    private const double NoonShare = 0.45;
    private const double DayToDay = 0.06;

    /// <summary>Viewers at <paramref name="days"/> since the start, counted in days of the curve.</summary>
    public double ViewersAt(double days)
    {
        var hour = (days - Math.Floor(days)) * 24;
        var noon = NoonShare * Bump(hour, 12.5, 3.0);
        var evening = Bump(hour, 20.5, 2.6);
        var level = 1 + (DayToDay * ((2 * new Random(seed + (int)Math.Floor(days)).NextDouble()) - 1));
        return peak * level * (NightShare + ((1 - NightShare) * Math.Min(1, noon + evening)));
    }

    private static double Bump(double hour, double at, double width)
    {
        var distance = Math.Abs(hour - at);
        distance = Math.Min(distance, 24 - distance);
        return Math.Exp(-distance * distance / (2 * width * width));
    }
}
