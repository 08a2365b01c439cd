namespace EventStream.Forecasting;

/// <summary>A way to forecast: a name and one pure, deterministic fit.</summary>
public interface IForecaster
{
    /// <summary>Short name, as used in tables and in the weights of a published forecast.</summary>
    string Name { get; }

    /// <summary>Steps of history below which a fit would be guesswork; <see cref="Fit"/> throws below it.</summary>
    int MinimumSteps(Season season);

    /// <summary>
    /// Learns the parameters from <paramref name="history"/> and nothing else. Throws <see cref="ArgumentException"/>
    /// when the history is shorter than <see cref="MinimumSteps"/>.
    /// </summary>
    IFittedForecaster Fit(History history, Season season, CancellationToken cancellationToken = default);
}

/// <summary>
/// Fitted parameters that can be applied at any later origin, so that states move on without a new fit.
/// </summary>
public interface IFittedForecaster
{
    /// <summary>
    /// The values expected at steps 1..<paramref name="horizon"/> after the end of <paramref name="history"/>, in the
    /// unit of the history. The history must reach back as far as the model looks: the longer of the fit's minimum and
    /// what it had at the fit.
    /// </summary>
    double[] Forecast(History history, int horizon);
}

internal static class HistoryLength
{
    public static void Require(IForecaster forecaster, History history, Season season)
    {
        var minimum = forecaster.MinimumSteps(season);
        if (history.Count < minimum)
        {
            throw new ArgumentException(
                $"{forecaster.Name} needs {minimum} steps of history and got {history.Count}.",
                nameof(history)
            );
        }
    }
}
