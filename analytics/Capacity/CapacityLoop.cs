using EventStream.Capacity.Models;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Capacity;

/// <summary>
/// The rhythm of the role: after the topic has been read back, each minute of a resource that is over is forecast,
/// published and decided on. Where several minutes have piled up, only the last one is acted on; a minute of which
/// too little was measured, or one that is long over, moves nothing.
/// </summary>
public sealed partial class CapacityLoop(
    LoadReadModel loads,
    ForecastService forecasts,
    TrainedModels models,
    CapacityOptions options,
    IEventPublisher publisher,
    [FromKeyedServices(CapacityRole.LoadGroup)] EventConsumer consumer,
    IEnumerable<Autoscaler> all,
    TimeProvider clock,
    ILogger<CapacityLoop> logger
) : BackgroundService
{
    private readonly ILookup<string, Autoscaler> scalers = all.ToLookup(
        scaler => scaler.Target.Resource,
        StringComparer.Ordinal
    );

    private readonly Dictionary<string, long> handled = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ForecastPublished> published = new(StringComparer.Ordinal);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await consumer.CaughtUp.WaitAsync(stoppingToken);
        await models.Loaded.WaitAsync(stoppingToken);
        // Minutes that were over before the start were decided on by an earlier process; they are forecast only.
        foreach (var series in loads.Resources)
        {
            if (series.FastCompleted is not { } minute)
                continue;
            handled[series.Resource] = minute;
            await ForecastAsync(series, stoppingToken);
        }

        Running(logger, loads.Resources.Count, options.Targets.Count);
        while (!stoppingToken.IsCancellationRequested)
        {
            await loads.WaitAsync(stoppingToken);
            await PassAsync(stoppingToken);
        }
    }

    /// <summary>Forecasts and decides for every resource of which another minute is over.</summary>
    private async Task PassAsync(CancellationToken cancellation)
    {
        foreach (var series in loads.Resources)
        {
            if (series.FastCompleted is not { } minute)
                continue;
            if (handled.TryGetValue(series.Resource, out var last) && minute <= last)
                continue;
            handled[series.Resource] = minute;
            await ForecastAsync(series, cancellation);
            if (!scalers.Contains(series.Resource))
                continue;
            var view = series.Fast;
            var old = view.TimeOf(minute + 1) + options.NoLoad < clock.GetUtcNow();
            if (old || view.LastComplete != minute || view.Completed != minute)
                continue;
            foreach (var scaler in scalers[series.Resource])
                await DecideAsync(scaler, series, view, cancellation);
        }
    }

    private async Task ForecastAsync(LoadSeries series, CancellationToken cancellation)
    {
        var made = Attempt(series.Resource, () => forecasts.Forecast(series, cancellation))?.Published;
        if (made is null)
            return;
        if (published.TryGetValue(series.Resource, out var last) && last.StepSeconds.Equals(made.StepSeconds))
        {
            // Half a step of tolerance: times are no exact multiples of a step.
            var due = (options.ForecastEverySteps - 0.5) * made.StepSeconds;
            if ((made.Origin - last.Origin).TotalSeconds < due)
                return;
        }

        published[series.Resource] = made;
        await PublishAsync(
            Topics.CapacityForecasts,
            series.Resource,
            made,
            made.Origin,
            $"forecast/{series.Resource}/{made.Origin:O}/{made.StepSeconds}",
            cancellation
        );
    }

    /// <summary>
    /// A series that breaks a model costs its forecast and nothing else: the rule then goes by the last load, and the
    /// role says so where it is asked whether it is ready.
    /// </summary>
    private T? Attempt<T>(string resource, Func<T?> make)
    {
        try
        {
            return make();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            forecasts.Failed(resource, e);
            NotForecast(logger, e, resource);
            return default;
        }
    }

    private async Task DecideAsync(Autoscaler scaler, LoadSeries series, LoadView view, CancellationToken cancellation)
    {
        var target = scaler.Target;
        var minute = view.Maxima.LastStep;
        var ahead = Attempt<double?>(
            series.Resource,
            () => forecasts.Peak(series.Resource, view, target.StartupSteps + 1, target.Level, cancellation)
        );
        var unit = series.Unit.Length > 0 ? series.Unit : "units";
        var decision = await scaler.DecideAsync(
            new LoadNow(minute, view.TimeOf(minute), view.Maxima.Span[^1], ahead, unit),
            cancellation
        );
        if (decision is null)
            return;
        if (decision.Error is { } error)
            NotApplied(logger, target.Name, error);
        var changed = decision.Applied && decision.DesiredReplicas != decision.CurrentReplicas;
        if (changed)
            Scaled(logger, target.Name, decision.Reason);
        await PublishAsync(
            Topics.CapacityDecisions,
            target.Name,
            decision,
            decision.Time,
            $"decision/{target.Name}/{decision.Time:O}",
            cancellation
        );
    }

    /// <summary>Publishes until it is taken; the id makes a second delivery recognisable.</summary>
    private Task PublishAsync(
        Topic topic,
        string key,
        IMessage message,
        DateTimeOffset time,
        string id,
        CancellationToken cancellation
    ) =>
        publisher.PublishUntilTakenAsync(
            topic,
            key,
            message,
            time,
            clock,
            refusal => NotPublished(logger, topic.Name, refusal.Message),
            cancellation,
            new PublishOptions(id)
        );

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Forecasting {Resources} resources and scaling {Targets} targets."
    )]
    private static partial void Running(ILogger logger, int resources, int targets);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Target}: {Reason}")]
    private static partial void Scaled(ILogger logger, string target, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Target} was not scaled: {Error}")]
    private static partial void NotApplied(ILogger logger, string target, string error);

    [LoggerMessage(Level = LogLevel.Error, Message = "'{Resource}' could not be forecast")]
    private static partial void NotForecast(ILogger logger, Exception e, string resource);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Publishing to {Topic} again: {Error}")]
    private static partial void NotPublished(ILogger logger, string topic, string error);
}
