namespace EventStream.Forecasting;

/// <summary>
/// Direct multi-horizon ridge regression on recent lags, trailing means, the same time on past days and weeks, and the
/// calendar. Coefficients are fitted at knots of the horizon; between two knots their forecasts are interpolated.
/// </summary>
public sealed class DirectRidge : IForecaster
{
    private const int KnotsPerDay = 12;
    private const int RowsMax = 4000;

    /// <summary>Lags of a week leave nothing to learn from before three weeks are there.</summary>
    private const int WeeklyDaysMin = 21;

    /// <summary>A weak penalty: features that move together must be free to differ.</summary>
    private const double Penalty = 3e-5;

    public string Name => "ridge";

    public int MinimumSteps(Season season) => 4 * season.Day;

    public IFittedForecaster Fit(History history, Season season, CancellationToken cancellationToken = default)
    {
        HistoryLength.Require(this, history, season);
        var recent = history.Tail((Season.FitDaysMax + 14) * season.Day);
        var features = new RidgeFeatures(season, history.Count >= WeeklyDaysMin * season.Day);
        var totals = RidgeFeatures.Totals(recent.Span);
        var knots = Knots(season);
        var coefficients = new double[knots.Length][];
        for (var k = 0; k < knots.Length; k++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            coefficients[k] = FitKnot(recent, totals, features, knots[k]);
        }

        return new Fitted(features, knots, coefficients);
    }

    private static int[] Knots(Season season)
    {
        var hour = season.Hour;
        var knots = new List<int> { 1, 2, 3, Math.Max(1, hour / 2), hour, 2 * hour, 3 * hour };
        for (var i = 2; i <= KnotsPerDay; i++)
            knots.Add(i * season.Day / KnotsPerDay);
        return [.. knots.Where(h => h <= season.Day).Distinct().Order()];
    }

    private static double[] FitKnot(History history, double[] totals, RidgeFeatures features, int knot)
    {
        var regression = new RidgeRegression(features.Count);
        var row = new double[features.Count];
        var first = features.LookBack;
        var last = history.Count - 1 - knot;
        var stride = Math.Max(1, (last - first) / RowsMax);
        for (var origin = last; origin >= first; origin -= stride)
        {
            features.Fill(row, history, totals, origin, knot);
            regression.Add(row, history.Span[origin + knot]);
        }

        return regression.Solve(Penalty);
    }

    private sealed class Fitted(RidgeFeatures features, int[] knots, double[][] coefficients) : IFittedForecaster
    {
        public double[] Forecast(History history, int horizon)
        {
            var recent = history.Tail((2 * features.LookBack) + 1);
            var totals = RidgeFeatures.Totals(recent.Span);
            var row = new double[features.Count];
            var path = new double[horizon];
            var knot = 0;
            for (var h = 1; h <= horizon; h++)
            {
                features.Fill(row, recent, totals, recent.Count - 1, h);
                while (knot < knots.Length - 1 && knots[knot + 1] <= h)
                    knot++;
                var value = RidgeRegression.Apply(coefficients[knot], row);
                if (knot < knots.Length - 1 && knots[knot] < h)
                {
                    var share = (double)(h - knots[knot]) / (knots[knot + 1] - knots[knot]);
                    value += share * (RidgeRegression.Apply(coefficients[knot + 1], row) - value);
                }

                path[h - 1] = value;
            }

            return path;
        }
    }
}
