namespace EventStream.Forecasting;

/// <summary>
/// The profile of past periods moved to the present level, with the move fading as the horizon grows: last week for
/// <c>week_adj</c>, the mean of up to seven past days for <c>day_adj</c>. Window and fading are chosen by replay.
/// </summary>
public sealed class SeasonalLevel : IForecaster
{
    private const int ProfileDaysMax = 7;
    private const int ReplayOriginsMax = 120;
    private readonly bool weekly;

    private SeasonalLevel(bool weekly) => this.weekly = weekly;

    /// <summary>Averaged past days at the present level: the first model that a young series can carry.</summary>
    public static SeasonalLevel OfDay { get; } = new(false);

    /// <summary>Last week at the present level.</summary>
    public static SeasonalLevel OfWeek { get; } = new(true);

    public string Name => weekly ? "week_adj" : "day_adj";

    public int MinimumSteps(Season season) => weekly ? Season.WeeklyDaysMin * season.Day : season.Day + season.Hour;

    public IFittedForecaster Fit(History history, Season season, CancellationToken cancellationToken = default)
    {
        HistoryLength.Require(this, history, season);
        var period = weekly ? season.Week : season.Day;
        var count = weekly ? 1 : ProfileDaysMax;
        var best = new Fitted(period, count, season.Hour, Math.Exp(-1.0 / (6 * season.Hour)));
        var bestCost = double.PositiveInfinity;
        foreach (var candidate in Candidates(season, period, count))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var cost = Replay(candidate, history, season, period);
            if (cost < bestCost)
                (best, bestCost) = (candidate, cost);
        }

        return best;
    }

    private static IEnumerable<Fitted> Candidates(Season season, int period, int count)
    {
        int[] windows = [1, season.Hour, 3 * season.Hour, 12 * season.Hour];
        double[] hours = [2, 6, 18, 72, 500];
        return from window in windows.Distinct()
            from fade in hours
            select new Fitted(period, count, window, Math.Exp(-1 / (fade * season.Hour)));
    }

    private static double Replay(Fitted candidate, History history, Season season, int period)
    {
        var first = Math.Max(period + (12 * season.Hour), history.Count / 3);
        var last = history.Count - 1 - season.Day;
        if (last <= first)
            return double.PositiveInfinity;
        var stride = Math.Max(1, (last - first) / ReplayOriginsMax) | 1;
        var horizons = Horizons.Sample(season);
        double cost = 0;
        for (var origin = first; origin <= last; origin += stride)
        {
            foreach (var h in horizons)
            {
                cost += Math.Abs(candidate.At(history.Span[..(origin + 1)], h) - history.Span[origin + h]);
            }
        }

        return cost;
    }

    private sealed class Fitted(int period, int count, int window, double fade) : IFittedForecaster
    {
        public double[] Forecast(History history, int horizon)
        {
            var path = new double[horizon];
            for (var h = 1; h <= horizon; h++)
                path[h - 1] = At(history.Span, h);
            return path;
        }

        public double At(ReadOnlySpan<double> values, int h)
        {
            double gap = 0;
            var usable = Math.Min(window, values.Length - period);
            for (var i = 1; i <= usable; i++)
            {
                var at = values.Length - i;
                gap += values[at] - Profile(values, at, values.Length);
            }

            var level = usable > 0 ? gap / usable : 0;
            return Profile(values, values.Length - 1 + h, values.Length) + (level * Math.Pow(fade, h));
        }

        /// <summary>
        /// Mean of the same phase over past periods, of those before <paramref name="at"/> that are known.
        /// </summary>
        private double Profile(ReadOnlySpan<double> values, int at, int known)
        {
            double sum = 0;
            var used = 0;
            for (var p = at - period; p >= 0 && used < count; p -= period)
            {
                if (p >= known)
                    continue;
                sum += values[p];
                used++;
            }

            return used > 0 ? sum / used : values[known - 1];
        }
    }
}

/// <summary>The horizons that fits are judged on: dense near the origin, sparse towards a day.</summary>
internal static class Horizons
{
    public static int[] Sample(Season season)
    {
        var hour = season.Hour;
        int[] steps = [1, Math.Max(1, hour / 4), hour, 2 * hour, 4 * hour, 8 * hour, 12 * hour, 18 * hour, season.Day];
        return [.. steps.Where(h => h <= season.Day).Distinct().Order()];
    }
}
