using System.Collections.Concurrent;
using EventStream.Capacity.Forecasting;
using EventStream.Contracts;

namespace EventStream.Capacity;

/// <summary>
/// A forecast made at the end of <paramref name="Step"/>, as it is published and as the scaler uses it.
/// </summary>
public sealed record ResourceForecast(long Step, double LastLoad, Prediction Prediction, ForecastPublished Published);

/// <summary>
/// Forecasts resources at their last complete step: fits again when the last fit has aged, and applies it otherwise.
/// It is used by one loop; <see cref="Latest"/> may be read from anywhere.
/// </summary>
public sealed class ForecastDesk(CapacityOptions options)
{
    private const int StepsMin = 2;
    private readonly CombinedForecaster forecaster = new();
    private readonly Dictionary<string, (long Step, CombinedFit Fit)> fits = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, ResourceForecast> latest = new(StringComparer.Ordinal);

    /// <summary>The last forecast of a resource, or null.</summary>
    public ResourceForecast? Latest(string resource) => latest.GetValueOrDefault(resource);

    /// <summary>The forecast at the last complete step, or null while the history is too short for any.</summary>
    public ResourceForecast? Forecast(LoadHistory load, CancellationToken cancellation)
    {
        var history = load.Snapshot();
        if (history.Count < StepsMin) return null;
        var fit = FitOf(load.Resource, history, cancellation);
        var prediction = fit.Predict(history, options.HorizonSteps);
        var forecast = new ResourceForecast(
            history.LastStep, history.Span[^1], prediction, Publish(load, history, prediction));
        latest[load.Resource] = forecast;
        return forecast;
    }

    private CombinedFit FitOf(string resource, History history, CancellationToken cancellation)
    {
        if (fits.TryGetValue(resource, out var known)
            && history.LastStep >= known.Step
            && history.LastStep - known.Step < options.FitInterval
            && history.Count >= known.Fit.FittedSteps)
        {
            return known.Fit;
        }

        var fit = forecaster.Fit(history, options.Season, cancellation);
        fits[resource] = (history.LastStep, fit);
        return fit;
    }

    private ForecastPublished Publish(LoadHistory load, History history, Prediction prediction)
    {
        var first = history.LastStep + 1;
        var steps = prediction.Steps
            .Select((step, i) => new ForecastStep(
                load.TimeOf(first + i), Round(step.Q50), Round(step.Q90), Round(step.Q95), Round(step.Q99)))
            .ToList();
        return new ForecastPublished(
            load.Resource, load.TimeOf(first), options.StepSeconds, prediction.Model, history.Count,
            prediction.Weights, steps);
    }

    /// <summary>Six significant digits: what lies beyond is noise that only makes records longer.</summary>
    private static double Round(double value)
    {
        if (value <= 0) return 0;
        var digits = Math.Clamp(5 - (int)Math.Floor(Math.Log10(value)), 0, 15);
        return Math.Round(value, digits);
    }
}
