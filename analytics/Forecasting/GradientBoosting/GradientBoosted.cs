using Microsoft.ML;
using Microsoft.ML.Trainers.LightGbm;

namespace EventStream.Forecasting.GradientBoosting;

/// <summary>
/// Gradient-boosted trees (LightGBM by ML.NET) over the ridge's features and the horizon: one model for the whole
/// path. It sees thresholds and interactions that linear members cannot, which pays beyond an hour ahead. Training
/// takes about half a CPU second on one thread, and the native library (<see cref="LightGbmLibrary.Fault"/>).
/// </summary>
public sealed class GradientBoosted : IForecaster
{
    private const int RowsMax = 60_000;
    private const double HorizonGrowth = 1.12;

    /// <summary>Lags of a week leave nothing to learn from before three weeks are there.</summary>
    private const int WeeklyDaysMin = 21;

    public string Name => "gboost";

    public int MinimumSteps(Season season) => 4 * season.Day;

    IFittedForecaster IForecaster.Fit(History history, Season season, CancellationToken cancellationToken) =>
        Fit(history, season, cancellationToken);

    /// <summary>
    /// Trains on <paramref name="history"/>. The same history always gives the same model. Cancellation is seen while
    /// rows are read; the boosting itself, a few tenths of a second, runs to its end.
    /// </summary>
    public GradientBoostedFit Fit(History history, Season season, CancellationToken cancellationToken = default)
    {
        HistoryLength.Require(this, history, season);
        var recent = history.Tail((Season.FitDaysMax + 14) * season.Day);
        var weekly = history.Count >= WeeklyDaysMin * season.Day;
        var features = new RidgeFeatures(season, weekly);
        var context = new MLContext(seed: 1);
        var rows = context.Data.LoadFromEnumerable(
            Rows(recent, season, features, cancellationToken),
            BoostedRows.Schema(features)
        );
        var model = context.Regression.Trainers.LightGbm(Options()).Fit(rows);
        cancellationToken.ThrowIfCancellationRequested();
        return new GradientBoostedFit(context, model, season, weekly, history.LastStep);
    }

    /// <summary>
    /// Origins in equal steps that visit every phase of the day, each with targets that grow further apart.
    /// </summary>
    private static IEnumerable<BoostedRow> Rows(
        History history,
        Season season,
        RidgeFeatures features,
        CancellationToken cancellation
    )
    {
        var source = new BoostedRows(history, season, features);
        var horizons = Horizons(season);
        var first = 2 * features.LookBack < history.Count / 2 ? 2 * features.LookBack : features.LookBack;
        var last = history.Count - 1;
        var stride = season.CoprimeStride((last - first) / (RowsMax / horizons.Count));
        for (var origin = last - 1; origin >= first; origin -= stride)
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (var horizon in horizons)
            {
                if (origin + horizon <= last)
                    yield return source.At(origin, horizon).Row;
            }
        }
    }

    private static List<int> Horizons(Season season)
    {
        var horizons = new List<int>();
        for (double h = 1; h < season.Day; h = Math.Max(h + 1, h * HorizonGrowth))
            horizons.Add((int)h);
        horizons.Add(season.Day);
        return horizons;
    }

    private static LightGbmRegressionTrainer.Options Options() =>
        new()
        {
            NumberOfThreads = 1,
            Deterministic = true,
            Seed = 1,
            NumberOfIterations = 120,
            NumberOfLeaves = 15,
            LearningRate = 0.06,
            MinimumExampleCountPerLeaf = 60,
            MaximumBinCountPerFeature = 63,
            Booster = new GradientBooster.Options
            {
                L2Regularization = 5,
                FeatureFraction = 0.7,
                SubsampleFraction = 0.7,
                SubsampleFrequency = 1,
            },
        };
}
