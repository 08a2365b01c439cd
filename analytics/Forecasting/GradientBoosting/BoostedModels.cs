namespace EventStream.Forecasting.GradientBoosting;

/// <summary>
/// The gradient-boosted member of one series: <paramref name="Forecast"/> has learned from the whole history;
/// <paramref name="Calibration"/> has not seen the days in which members are compared, so that its errors there show
/// what the member is worth.
/// </summary>
public sealed record BoostedModels(GradientBoostedFit Calibration, GradientBoostedFit Forecast)
{
    /// <summary>
    /// Version of what a saved model means: its features, their order, the domain and the label. It is raised with any
    /// change of these, so that former files are trained again.
    /// </summary>
    public const int SchemaVersion = 1;

    /// <summary>Steps of history from which the member takes part in a combination.</summary>
    public const int StepsMin = 2000;

    /// <summary>Days of history below which too little is left to learn from before the calibration.</summary>
    private const int DaysMin = 6;

    /// <summary>Whether a history is long enough for the member.</summary>
    public static bool Allow(History history, Season season) =>
        history.Count >= Math.Max(StepsMin, DaysMin * season.Day);

    /// <summary>Whether a day has passed since the training, or the history is another one.</summary>
    public bool AreDue(History history, Season season) =>
        Forecast.Season != season
        || history.LastStep < Forecast.LastStep
        || history.LastStep - Forecast.LastStep >= season.Day;

    internal bool CanServe(History stable, int calibrationFrom, Season season) =>
        Calibration.Season == season
        && Forecast.Season == season
        && Calibration.LastStep < stable.FirstStep + calibrationFrom
        && Forecast.LastStep <= stable.LastStep
        && calibrationFrom > Math.Max(Calibration.LookBack, Forecast.LookBack);
}
