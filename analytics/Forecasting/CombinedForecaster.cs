using EventStream.Forecasting.GradientBoosting;

namespace EventStream.Forecasting;

/// <summary>
/// <c>comb_w</c>: the members weighed by their recent errors per band of the horizon, with conformal quantiles. A fit
/// replays its own last days to learn weights and residuals, so that it needs no memory beyond the history. The
/// ladder for young series is part of it: less than a day is answered by persistence (<c>reactive</c>), then come
/// daily profiles, from three days daily models, from ten days weekly ones; a member that could not be scored gets no
/// weight.
/// </summary>
public sealed class CombinedForecaster
{
    private const int CalibrationOriginsMax = 100;
    private const int CalibrationDaysMax = 7;

    /// <summary>
    /// Fits members, weights and residuals on the history. The gradient-boosted member takes part with the models of
    /// <see cref="Train"/>, which may be up to some days old. Throws <see cref="ArgumentException"/> where the history
    /// is empty.
    /// </summary>
    public CombinedFit Fit(
        History history,
        Season season,
        BoostedModels? boosted = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(history.Count, 1, nameof(history));
        var stable = Stable(history, season);
        var usable = boosted is not null && boosted.CanServe(stable, CalibrationFrom(stable, season), season);
        var track = Calibrate(stable, season, usable ? boosted!.Calibration : null, cancellationToken);
        var fits = FitMembers(stable, season, usable ? boosted!.Forecast : null, cancellationToken);
        return new CombinedFit(season, fits, track, stable);
    }

    /// <summary>
    /// Trains the gradient-boosted models for <see cref="Fit"/>, on one thread and in about a CPU second. Throws
    /// <see cref="ArgumentException"/> where <see cref="BoostedModels.Allow"/> is false.
    /// </summary>
    public static BoostedModels Train(History history, Season season, CancellationToken cancellationToken = default)
    {
        if (!BoostedModels.Allow(history, season))
        {
            throw new ArgumentException(
                $"Gradient boosting needs {BoostedModels.StepsMin} steps of history, and six days of it; "
                    + $"it got {history.Count} steps.",
                nameof(history)
            );
        }

        var stable = Stable(history, season);
        var forecaster = new GradientBoosted();
        var known = stable.Prefix(CalibrationFrom(stable, season));
        return new BoostedModels(
            forecaster.Fit(known, season, cancellationToken),
            forecaster.Fit(stable, season, cancellationToken)
        );
    }

    /// <summary>
    /// Fits every member that the length of the history allows, and takes the gradient-boosted one as it was trained;
    /// null means the others.
    /// </summary>
    internal static IFittedForecaster?[] FitMembers(
        History stable,
        Season season,
        GradientBoostedFit? boosted,
        CancellationToken cancellationToken
    )
    {
        return
        [
            .. Member.All.Select(member =>
                member.Forecaster is GradientBoosted ? boosted
                : stable.Count >= member.Forecaster.MinimumSteps(season)
                    ? member.Forecaster.Fit(stable, season, cancellationToken)
                : null
            ),
        ];
    }

    private static History Stable(History history, Season season) =>
        history.Tail((Season.FitDaysMax + CalibrationDaysMax) * season.Day).Map(Stabiliser.Forward);

    /// <summary>The steps before this index are known when weights and residuals begin to be learned.</summary>
    private static int CalibrationFrom(History stable, Season season)
    {
        var days = Math.Min(CalibrationDaysMax, stable.Count / season.Day / 4.0);
        return stable.Count - (int)(Math.Max(1, days) * season.Day);
    }

    private static CombinationTrack Calibrate(
        History stable,
        Season season,
        GradientBoostedFit? boosted,
        CancellationToken cancellationToken
    )
    {
        var track = new CombinationTrack(Member.All, season, stable.Values.ToArray());
        var from = CalibrationFrom(stable, season);
        if (from < season.Day)
            return track;
        var fits = FitMembers(stable.Prefix(from), season, boosted, cancellationToken);
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
