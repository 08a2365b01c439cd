namespace EventStream.Forecasting;

/// <summary>
/// <c>comb_w</c>: the members weighed by their recent errors per band of the horizon, with conformal quantiles. A fit
/// replays its own last days to learn weights and residuals, so that it needs no memory beyond the history. The
/// ladder for young series is part of it: less than a day is answered by persistence (<c>reactive</c>), then come
/// daily profiles, from three days daily models, from ten days weekly ones; a member that could not be scored gets no
/// weight.
/// </summary>
public sealed class CombinedForecaster : IForecaster
{
    private const int CalibrationOriginsMax = 100;
    private const int CalibrationDaysMax = 7;

    public string Name => "comb_w";

    public int MinimumSteps(Season season) => 1;

    IFittedForecaster IForecaster.Fit(History history, Season season, CancellationToken cancellationToken) =>
        Fit(history, season, cancellationToken);

    /// <summary>
    /// Fits members, weights and residuals on the history. Throws <see cref="ArgumentException"/> where it is empty.
    /// </summary>
    public CombinedFit Fit(History history, Season season, CancellationToken cancellationToken = default)
    {
        HistoryLength.Require(this, history, season);
        var stable = history.Tail((Season.FitDaysMax + CalibrationDaysMax) * season.Day).Map(Stabiliser.Forward);
        var track = Calibrate(stable, season, cancellationToken);
        var fits = FitMembers(stable, season, cancellationToken);
        return new CombinedFit(season, fits, track, stable);
    }

    /// <summary>Fits every member that the length of the history allows; null stands for the others.</summary>
    internal static IFittedForecaster?[] FitMembers(
        History stable, Season season, CancellationToken cancellationToken)
    {
        return [.. Member.All.Select(member => stable.Count >= member.Forecaster.MinimumSteps(season)
            ? member.Forecaster.Fit(stable, season, cancellationToken)
            : null)];
    }

    private static CombinationTrack Calibrate(History stable, Season season, CancellationToken cancellationToken)
    {
        var track = new CombinationTrack(Member.All, season, stable.Values.ToArray());
        var days = Math.Min(CalibrationDaysMax, stable.Count / season.Day / 4.0);
        var from = stable.Count - (int)(Math.Max(1, days) * season.Day);
        if (from < season.Day) return track;
        var fits = FitMembers(stable.Prefix(from), season, cancellationToken);
        var stride = Math.Max(1, (stable.Count - from) / CalibrationOriginsMax);
        for (var count = from; count < stable.Count; count += stride)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var known = stable.Prefix(count);
            track.Record(count - 1, [.. fits.Select(fit => fit?.Forecast(known, season.Day))]);
        }

        return track;
    }
}
