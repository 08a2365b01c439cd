namespace EventStream.Forecasting;

/// <summary>
/// A fitted combination: forecasts with quantiles at any origin at or after the end of what it was fitted on.
/// </summary>
public sealed class CombinedFit
{
    private readonly Season season;
    private readonly IFittedForecaster?[] fits;
    private readonly CombinationTrack track;
    private readonly Bands bands;
    private readonly double[][] pools;
    private readonly double[] changes;

    internal CombinedFit(Season season, IFittedForecaster?[] fits, CombinationTrack track, History stable)
    {
        (this.season, this.fits, this.track) = (season, fits, track);
        FittedSteps = stable.Count;
        bands = Bands.OfResiduals(season);
        pools = [.. track.Residuals(stable.Count - 1, bands).Select(pool => pool.Order().ToArray())];
        changes = Changes(stable, season);
    }

    /// <summary>Steps of history that the fit used.</summary>
    public int FittedSteps { get; }

    /// <summary>
    /// What is expected 1..<paramref name="horizon"/> steps after the end of <paramref name="history"/>, which is in
    /// the unit of the series and holds at least the steps of the fit's longest look back.
    /// </summary>
    public Prediction Predict(History history, int horizon)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(horizon, 1);
        var stable = history.Tail(FittedSteps + season.Week).Map(Stabiliser.Forward);
        var paths = fits.Select(fit => fit?.Forecast(stable, horizon)).ToArray();
        var usable = track.Count == 0 ? paths : [.. paths.Select((path, m) => track.Scored(m) ? path : null)];
        var weights = track.Weights(FittedSteps - 1, usable);
        var blend = track.Blend(usable, weights);
        var steps = new PredictedStep[horizon];
        for (var h = 1; h <= horizon; h++)
        {
            var pool = Pool(h);
            var centre = blend[h - 1];
            var q50 = Stabiliser.Back(centre);
            var q90 = Math.Max(q50, Stabiliser.Back(centre + ConformalQuantiles.Of(pool, 0.90)));
            var q95 = Math.Max(q90, Stabiliser.Back(centre + ConformalQuantiles.Of(pool, 0.95)));
            var q99 = Math.Max(q95, Stabiliser.Back(centre + ConformalQuantiles.Of(pool, 0.99)));
            steps[h - 1] = new PredictedStep(q50, q90, q95, q99);
        }

        var shares = Shares(weights, usable, horizon);
        return new Prediction(stable.Count < season.Day ? "reactive" : "comb_w", shares, steps)
        {
            MaxOf = (window, level) => MaxOf(blend, window, level),
        };
    }

    private SortedDictionary<string, double> Shares(double[][] weights, double[]?[] paths, int horizon)
    {
        var shares = new SortedDictionary<string, double>(StringComparer.Ordinal);
        for (var m = 0; m < paths.Length; m++)
        {
            var share = paths[m] is null ? 0 : track.MeanWeight(weights, m, horizon);
            if (share > 0.0005)
                shares[Member.All[m].Forecaster.Name] = Math.Round(share, 4);
        }

        return shares;
    }

    /// <summary>
    /// Residuals of the combination; without enough of them, what the series itself moved in as many steps.
    /// </summary>
    private double[] Pool(int h)
    {
        var pool = pools[bands.Of(h)];
        return pool.Length >= ConformalQuantiles.PoolMin ? pool : changes;
    }

    private double MaxOf(double[] blend, int window, double level)
    {
        var pool = track.MaxResiduals(FittedSteps - 1, window).Order().ToArray();
        if (pool.Length < ConformalQuantiles.PoolMin)
            pool = changes;
        var top = blend.Take(window).Max();
        return Stabiliser.Back(top + Math.Max(0, ConformalQuantiles.Of(pool, level)));
    }

    /// <summary>
    /// Changes over about an hour in a series too young to have been forecast; none known means half as much again.
    /// </summary>
    private static double[] Changes(History stable, Season season)
    {
        var lag = Math.Min(Math.Max(1, season.Hour), Math.Max(1, stable.Count / 3));
        var moves = new List<double>();
        for (var t = lag; t < stable.Count; t++)
            moves.Add(stable.Span[t] - stable.Span[t - lag]);
        return moves.Count >= ConformalQuantiles.PoolMin
            ? [.. moves.Order()]
            : [0, (Math.Sqrt(1.5) - 1) * stable.Span[^1]];
    }
}
