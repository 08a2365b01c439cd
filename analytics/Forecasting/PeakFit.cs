using System.Numerics.Tensors;

namespace EventStream.Forecasting;

/// <summary>
/// The scaler's own forecast: the largest load over the next few minutes, which is the time that a replica takes to
/// start. A direct ridge on minutes predicts by how much it exceeds the last minute; conformal quantiles of its
/// errors, relative to how much the series moves at the time, make it a bound. Below a day and a half of history
/// (<see cref="IsReactive"/>), or where the ridge was worse, the last minute holds, with such quantiles as head-room.
/// </summary>
public sealed class PeakFit
{
    /// <summary>Days of minutes that a fit looks at; a week before them may be looked back to.</summary>
    public const int FitDaysMax = 14;

    private const double Penalty = 0.01;
    private const double FloorShare = 0.25;

    /// <summary>Without any move known, half as much again may come.</summary>
    private static readonly double HeadRoom = Math.Sqrt(1.5) - 1;

    private readonly int window;
    private readonly Season season;
    private readonly PeakFeatures features;
    private readonly double[]? coefficients;
    private readonly double[] pool;
    private readonly double floor;

    private PeakFit(History stable, Season season, int window, CancellationToken cancellation)
    {
        (this.window, this.season) = (window, season);
        features = new PeakFeatures(season, window, season.AllowsWeekly(stable.Count));
        var values = stable.Span;
        var scales = Scales(values, out floor);
        var first = Math.Max(1, Math.Min(features.LookBack, values.Length));
        var last = values.Length - 1 - window;
        var split = first + (2 * (last - first) / 3);
        IsReactive = last - first < season.Day / 2;
        if (!IsReactive)
        {
            var trial = Residuals(stable, split, last, Solve(stable, first, split - window, cancellation));
            if (trial.Sum(Math.Abs) < Residuals(stable, split, last, null).Sum(Math.Abs))
            {
                coefficients = Solve(stable, first, last, cancellation);
                pool = Scaled(trial, scales, split);
                return;
            }
        }

        // A young series has moved too little to say how much it moves at a time.
        if (IsReactive)
            (scales, floor) = (new double[values.Length], 1);
        var from = Math.Max(0, last - (season.Day / 4));
        pool = Scaled(Residuals(stable, from, last, null), scales, from);
    }

    /// <summary>Whether the history is too short for more than persistence with head-room.</summary>
    public bool IsReactive { get; }

    /// <summary>
    /// Fits on a history in minutes, which has at least one. <paramref name="window"/> is in minutes, at least 1.
    /// </summary>
    public static PeakFit On(History history, Season season, int window, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(window, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(history.Count, 1, nameof(history));
        var stable = history.Tail((FitDaysMax + 7) * season.Day).Map(Stabiliser.Forward);
        return new PeakFit(stable, season, window, cancellation);
    }

    /// <summary>Whether a newer fit is worth its little time at each minute: while the series is young.</summary>
    public bool IsOutgrown(History history) => IsReactive && history.Count > 0;

    /// <summary>
    /// The load that each of the next minutes of the window stays below with probability <paramref name="level"/>,
    /// at the end of <paramref name="history"/>, which is in the unit of the series.
    /// </summary>
    public double Quantile(History history, double level)
    {
        var stable = history.Tail((FitDaysMax + 7) * season.Day).Map(Stabiliser.Forward);
        var values = stable.Span;
        var now = values[^1];
        if (pool.Length < ConformalQuantiles.PoolMin)
            return Stabiliser.Back(now + (HeadRoom * now));
        var usable = coefficients is not null && values.Length > features.LookBack ? coefficients : null;
        var move = Predict(stable, values.Length - 1, usable, new double[features.Count]);
        var scale = IsReactive ? floor : Scales(values, out _)[^1] + floor;
        return Stabiliser.Back(Math.Max(0, now + move + (scale * ConformalQuantiles.Of(pool, level))));
    }

    private double[] Solve(History stable, int from, int to, CancellationToken cancellation)
    {
        var ridge = new RidgeRegression(features.Count);
        var row = new double[features.Count];
        for (var origin = from; origin <= to; origin++)
        {
            if (origin % season.Day == 0)
                cancellation.ThrowIfCancellationRequested();
            features.Fill(row, stable, origin);
            ridge.Add(row, PeakFeatures.Max(stable.Span, origin + 1, window) - stable.Span[origin]);
        }

        return ridge.Solve(Penalty);
    }

    private double Predict(History stable, int origin, double[]? model, double[] row)
    {
        if (model is null)
            return 0;
        features.Fill(row, stable, origin);
        return RidgeRegression.Apply(model, row);
    }

    /// <summary>How far the largest load was above the prediction, by origin.</summary>
    private double[] Residuals(History stable, int from, int to, double[]? model)
    {
        var row = new double[features.Count];
        var residuals = new double[Math.Max(0, to - from + 1)];
        for (var i = 0; i < residuals.Length; i++)
        {
            var move = PeakFeatures.Max(stable.Span, from + i + 1, window) - stable.Span[from + i];
            residuals[i] = move - Predict(stable, from + i, model, row);
        }

        return residuals;
    }

    private double[] Scaled(double[] residuals, double[] scales, int from) =>
        [.. residuals.Select((residual, i) => residual / (scales[from + i] + floor)).Order()];

    /// <summary>
    /// How far the series moved within a window, by minute: half of the weight lies in the last three hours.
    /// </summary>
    private double[] Scales(ReadOnlySpan<double> values, out double least)
    {
        var scales = new double[values.Length];
        var keep = Math.Pow(0.5, 1.0 / (3 * season.Hour));
        double level = 0,
            sum = 0;
        for (var t = 0; t < values.Length; t++)
        {
            var before = Math.Max(0, t - window);
            var move = Math.Abs(PeakFeatures.Max(values, before + 1, t - before) - values[before]);
            sum += move;
            level = t == 0 ? move : (keep * level) + ((1 - keep) * move);
            scales[t] = level;
        }

        least = (FloorShare * sum / values.Length) + 1e-9;
        return scales;
    }
}

/// <summary>What the ridge of <see cref="PeakFit"/> sees at an origin; nothing after it.</summary>
internal sealed class PeakFeatures
{
    private const int Harmonics = 4;
    private readonly Season season;
    private readonly int window;
    private readonly int[] lags;
    private readonly int[] means;
    private readonly int[] periods;

    public PeakFeatures(Season season, int window, bool weekly)
    {
        (this.season, this.window) = (season, window);
        lags = [.. new[] { 1, 2, 3, 5, 10, 15, 30, 60 }.Where(lag => lag < season.Day)];
        means = [.. new[] { 5, 15, season.Hour, 3 * season.Hour }.Where(mean => mean < season.Day).Distinct()];
        periods = weekly ? [season.Day, season.Week] : [season.Day];
        LookBack = periods[^1];
        Count = lags.Length + means.Length + 1 + (2 * periods.Length) + (2 * Harmonics);
    }

    /// <summary>Number of features.</summary>
    public int Count { get; }

    /// <summary>Steps before the origin that must be known.</summary>
    public int LookBack { get; }

    /// <summary>The largest of some values; the one before them where there are none.</summary>
    public static double Max(ReadOnlySpan<double> values, int from, int count) =>
        count > 0 ? TensorPrimitives.Max(values.Slice(from, count)) : values[Math.Max(0, from - 1)];

    /// <summary>Everything relative to the last value, so that a model without weights is persistence.</summary>
    public void Fill(double[] row, History stable, int origin)
    {
        var values = stable.Span;
        var now = values[origin];
        var at = 0;
        foreach (var lag in lags)
            row[at++] = now - values[origin - lag];
        foreach (var mean in means)
            row[at++] = now - (TensorPrimitives.Sum(values.Slice(origin - mean + 1, mean)) / mean);
        row[at++] = now;
        foreach (var period in periods)
        {
            var then = origin - period;
            row[at++] = Max(values, then + 1, Math.Min(window, period)) - values[then];
            row[at++] = now - values[then];
        }

        RidgeFeatures.FillHarmonics(row.AsSpan(at), stable.FirstStep + origin + 1, season.Day);
    }
}
