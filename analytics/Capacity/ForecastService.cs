using System.Collections.Concurrent;
using EventStream.Capacity.Models;
using EventStream.Contracts;
using EventStream.Forecasting;
using EventStream.Forecasting.GradientBoosting;

namespace EventStream.Capacity;

/// <summary>
/// A forecast made at the end of a step, as it is published and as the scaler uses it.
/// </summary>
public sealed record ResourceForecast(long Step, Prediction Prediction, ForecastPublished Published);

/// <summary>
/// Forecasts resources at their last step that is over: fits again when the last fit has aged, and applies it
/// otherwise. What is published looks a day ahead in the role's own steps; in the first hour of a series, in which
/// those are too few, it looks an hour ahead in minutes. What the scaler asks for, the most that may come while a
/// replica starts, is always forecast from the minutes. Trained models are taken as they are and never waited for.
/// Used by one loop; <see cref="Latest"/> and
/// <see cref="Trouble"/> may be read from anywhere.
/// </summary>
public sealed class ForecastService(CapacityOptions options, TrainedModels models)
{
    private readonly CombinedForecaster forecaster = new();
    private readonly Dictionary<string, Fitted> fits = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Resource, int Window), (long Step, PeakFit Fit)> peaks = [];
    private readonly ConcurrentDictionary<string, ResourceForecast> latest = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> failures = new(StringComparer.Ordinal);

    /// <summary>A sentence for each resource whose last forecast failed.</summary>
    public IReadOnlyList<string> Trouble =>
        [.. failures.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => pair.Value)];

    /// <summary>The last forecast of a resource, or null.</summary>
    public ResourceForecast? Latest(string resource) => latest.GetValueOrDefault(resource);

    /// <summary>Remembers that a resource could not be forecast, until it can.</summary>
    public void Failed(string resource, Exception cause) =>
        failures[resource] = $"'{resource}' could not be forecast: {cause.Message}";

    /// <summary>
    /// The forecast to publish, at the last step that is over; the last one again where no step was added, and null
    /// while there is no complete step.
    /// </summary>
    public ResourceForecast? Forecast(LoadSeries series, CancellationToken cancellation)
    {
        var view = series.Slow;
        var horizon = options.HorizonSteps;
        if (options.HasMinutes && view.Maxima.Count < options.Season.Hour)
        {
            view = series.Fast;
            horizon = view.Season.Hour;
        }

        var history = view.Maxima;
        if (history.Count == 0)
            return null;
        if (
            Latest(series.Resource) is { } before
            && before.Step == history.LastStep
            && before.Published.StepSeconds.Equals(view.Season.Step.TotalSeconds)
        )
        {
            return before;
        }

        var prediction = FitOf(series.Resource, view, cancellation).Predict(history, horizon);
        var forecast = new ResourceForecast(history.LastStep, prediction, Publish(series, view, prediction));
        latest[series.Resource] = forecast;
        failures.TryRemove(series.Resource, out _);
        return forecast;
    }

    /// <summary>
    /// The load that stays below the quantile <paramref name="level"/> in each of the next <paramref name="window"/>
    /// minutes.
    /// </summary>
    public double Peak(string resource, LoadView minutes, int window, double level, CancellationToken cancellation)
    {
        if (!options.HasMinutes && Latest(resource) is { } made && made.Step == minutes.Maxima.LastStep)
        {
            return made.Prediction.WindowMax(window, level);
        }

        var history = minutes.Maxima;
        var known = peaks.TryGetValue((resource, window), out var last);
        if (
            !known
            || history.LastStep < last.Step
            || last.Fit.IsOutgrown(history)
            || history.LastStep - last.Step >= minutes.Season.Hour
        )
        {
            last = (history.LastStep, PeakFit.On(history, minutes.Season, window, cancellation));
            peaks[(resource, window)] = last;
        }

        return last.Fit.Quantile(history, level);
    }

    private CombinedFit FitOf(string resource, LoadView view, CancellationToken cancellation)
    {
        var history = view.Maxima;
        if (view.Season == options.Season)
            models.Request(resource, view);
        var trained = models.Find(resource);
        if (
            fits.TryGetValue(resource, out var known)
            && ReferenceEquals(known.Models, trained)
            && known.Season == view.Season
            && history.LastStep >= known.Step
            && history.LastStep - known.Step < (view.Season == options.Season ? view.Season.Hour : 1)
            && history.Count >= known.Fit.FittedSteps
        )
        {
            return known.Fit;
        }

        var fit = forecaster.Fit(history, view.Season, trained, cancellation);
        fits[resource] = new Fitted(view.Season, history.LastStep, trained, fit);
        return fit;
    }

    private static ForecastPublished Publish(LoadSeries series, LoadView view, Prediction prediction)
    {
        var history = view.Maxima;
        var first = history.LastStep + 1;
        var steps = prediction
            .Steps.Select(
                (step, i) =>
                    new ForecastStep(
                        view.TimeOf(first + i),
                        Round(step.Q50),
                        Round(step.Q90),
                        Round(step.Q95),
                        Round(step.Q99)
                    )
            )
            .ToList();
        return new ForecastPublished(
            series.Resource,
            view.TimeOf(first),
            view.Season.Step.TotalSeconds,
            prediction.Model,
            history.Count,
            prediction.Weights,
            steps
        );
    }

    /// <summary>Six significant digits: what lies beyond is noise that only makes records longer.</summary>
    private static double Round(double value)
    {
        if (value <= 0)
            return 0;
        var digits = Math.Clamp(5 - (int)Math.Floor(Math.Log10(value)), 0, 15);
        return Math.Round(value, digits);
    }

    private sealed record Fitted(Season Season, long Step, BoostedModels? Models, CombinedFit Fit);
}
