namespace EventStream.Forecasting;

/// <summary>One step ahead: quantiles in the unit of the series, never negative and never crossing.</summary>
public readonly record struct PredictedStep(double Q50, double Q90, double Q95, double Q99);

/// <summary>
/// A forecast with its uncertainty, made at the end of a history. <paramref name="Weights"/> are the members' shares,
/// averaged over the horizon; they sum to one. Steps are 1, 2, ... after the end of the history.
/// </summary>
public sealed record Prediction(
    string Model,
    IReadOnlyDictionary<string, double> Weights,
    IReadOnlyList<PredictedStep> Steps
)
{
    internal Func<int, double, double> MaxOf { get; init; } = (_, _) => 0;

    /// <summary>
    /// The quantile of the largest value over the next <paramref name="steps"/> steps, calibrated on maxima and not
    /// on single steps: what a scaler must be ready for while new instances start. <paramref name="level"/> lies
    /// between 0 and 1.
    /// </summary>
    public double WindowMax(int steps, double level)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(steps, Steps.Count);
        return MaxOf(steps, level);
    }
}
