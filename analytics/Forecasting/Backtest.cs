using EventStream.Forecasting.GradientBoosting;

namespace EventStream.Forecasting;

/// <summary>
/// Mean absolute scaled error of one model up to one horizon: 1 is a day-naive forecast on the first 65 %.
/// </summary>
public sealed record BacktestCell(string Series, string Horizon, string Model, double Mase);

/// <summary>
/// Replays a series with rolling origins. Members are fitted at 50, 65, 77 and 88 % of the series; the block from 50 to
/// 65 % only calibrates weights and quantiles; origins of the test run from 65 % to a day before the end. No model sees
/// anything after its origin, and weights use only what was known at the origin.
/// </summary>
public static class Backtest
{
    /// <summary>Name of the weighted combination in the results.</summary>
    public const string Combination = "comb_w";

    /// <summary>SSA without the stable domain, the nearest stand-in for ML.NET's.</summary>
    public const string Yardstick = "ssa_raw";

    private const int TestOrigins = 140;
    private static readonly double[] FitAt = [0.50, 0.65, 0.77, 0.88];

    /// <summary>
    /// Runs the protocol on one series. Throws <see cref="ArgumentException"/> when 65 % of it is less than three days.
    /// </summary>
    public static IReadOnlyList<BacktestCell> Run(
        string name,
        double[] values,
        Season season,
        CancellationToken cancellationToken = default
    )
    {
        var testFrom = (int)(values.Length * FitAt[1]);
        if (values.Length * FitAt[0] < 3 * season.Day)
        {
            throw new ArgumentException(
                $"{name}: a backtest needs six days of history, this one has {(double)values.Length / season.Day:0.0}.",
                nameof(values)
            );
        }

        var history = new History(values, 0);
        var stable = history.Map(Stabiliser.Forward);
        var track = new CombinationTrack(Member.All, season, stable.Span.ToArray());
        var errors = new ErrorTable(season, values, Scale(values, testFrom, season.Day));
        var stride = season.CoprimeStride((values.Length - testFrom - season.Day) / TestOrigins);
        for (var block = 0; block < FitAt.Length; block++)
        {
            var from = (int)(values.Length * FitAt[block]);
            var until = block + 1 < FitAt.Length ? (int)(values.Length * FitAt[block + 1]) : values.Length;
            until = Math.Min(until, values.Length - season.Day);
            var learned = stable.Prefix(from);
            var boosted =
                BoostedModels.Allow(learned, season) && LightGbmLibrary.Fault is null
                    ? new GradientBoosted().Fit(learned, season, cancellationToken)
                    : null;
            var fits = CombinedForecaster.FitMembers(learned, season, boosted, cancellationToken);
            var yardstick = new SingularSpectrum().Fit(history.Prefix(from), season, cancellationToken);
            for (var origin = from + Offset(from, stride); origin < until; origin += stride)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var known = stable.Prefix(origin);
                var paths = fits.Select(fit => fit?.Forecast(known, season.Day)).ToArray();
                var blend = track.Record(origin - 1, paths);
                if (block == 0)
                    continue;
                errors.Add(Combination, origin, blend, Stabiliser.Back);
                for (var m = 0; m < paths.Length; m++)
                {
                    if (paths[m] is { } path)
                        errors.Add(Member.All[m].Forecaster.Name, origin, path, Stabiliser.Back);
                }

                errors.Add(Yardstick, origin, yardstick.Forecast(history.Prefix(origin), season.Day), x => x);
            }
        }

        return errors.Cells(name);
    }

    private static int Offset(int from, int stride) => (stride - (from % stride)) % stride;

    private static double Scale(double[] values, int until, int day)
    {
        double sum = 0;
        for (var t = day; t < until; t++)
            sum += Math.Abs(values[t] - values[t - day]);
        return sum / (until - day);
    }

    private sealed class ErrorTable(Season season, double[] values, double scale)
    {
        private readonly Dictionary<string, (double[] Sums, int Origins)> models = new(StringComparer.Ordinal);

        public void Add(string model, int origin, double[] path, Func<double, double> back)
        {
            var (sums, origins) = models.TryGetValue(model, out var seen) ? seen : (new double[season.Day], 0);
            for (var h = 0; h < season.Day; h++)
                sums[h] += Math.Abs(back(path[h]) - values[origin + h]);
            models[model] = (sums, origins + 1);
        }

        public IReadOnlyList<BacktestCell> Cells(string series)
        {
            (string Label, int Steps)[] horizons =
            [
                ("15m", season.Day / 96),
                ("1h", season.Hour),
                ("6h", season.Day / 4),
                ("24h", season.Day),
            ];
            return
            [
                .. from horizon in horizons
                where horizon.Steps > 0
                from model in models
                let error = model.Value.Sums.Take(horizon.Steps).Sum() / model.Value.Origins / horizon.Steps
                select new BacktestCell(series, horizon.Label, model.Key, error / scale),
            ];
        }
    }
}
