using EventStream.Capacity.Scaling;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Capacity;

/// <summary>
/// The rhythm of the role: after the topic has been read back, each new complete step of a resource is forecast,
/// published and decided upon. Where several steps have piled up, only the last one is acted upon.
/// </summary>
public sealed partial class CapacityLoop : BackgroundService
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);
    private readonly LoadBook book;
    private readonly ForecastDesk desk;
    private readonly CapacityOptions options;
    private readonly IEventPublisher publisher;
    private readonly EventConsumer consumer;
    private readonly TimeProvider clock;
    private readonly ILogger<CapacityLoop> logger;
    private readonly ILookup<string, Autoscaler> scalers;
    private readonly Dictionary<string, long> handled = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> forecast = new(StringComparer.Ordinal);

    public CapacityLoop(
        LoadBook book, ForecastDesk desk, CapacityOptions options, IEventPublisher publisher,
        [FromKeyedServices(CapacityRole.LoadGroup)] EventConsumer consumer, IEnumerable<IActuator> actuators,
        TimeProvider clock, ILogger<CapacityLoop> logger)
    {
        (this.book, this.desk, this.options, this.publisher) = (book, desk, options, publisher);
        (this.consumer, this.clock, this.logger) = (consumer, clock, logger);
        var hands = actuators.ToDictionary(actuator => actuator.Name, StringComparer.Ordinal);
        scalers = options.Targets
            .Select(target => new Autoscaler(target, hands[target.Actuator], options))
            .ToLookup(scaler => scaler.Target.Resource, StringComparer.Ordinal);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await consumer.CaughtUp.WaitAsync(stoppingToken);
        // Steps that were complete before the start were decided upon by whoever ran then; they are forecast anew only.
        foreach (var load in book.Resources)
        {
            if (load.Completed is not { } step) continue;
            handled[load.Resource] = step;
            await ForecastAsync(load, stoppingToken);
        }

        Running(logger, book.Resources.Count, options.Targets.Count);
        while (!stoppingToken.IsCancellationRequested)
        {
            await book.WaitAsync(stoppingToken);
            await PassAsync(stoppingToken);
        }
    }

    /// <summary>Forecasts and decides for every resource with a newly complete step.</summary>
    private async Task PassAsync(CancellationToken cancellation)
    {
        foreach (var load in book.Resources)
        {
            if (load.Completed is not { } step) continue;
            if (handled.TryGetValue(load.Resource, out var last) && step <= last) continue;
            handled[load.Resource] = step;
            var made = await ForecastAsync(load, cancellation);
            foreach (var scaler in scalers[load.Resource]) await DecideAsync(scaler, load, step, made, cancellation);
        }
    }

    private async Task<ResourceForecast?> ForecastAsync(LoadHistory load, CancellationToken cancellation)
    {
        var made = TryForecast(load, cancellation);
        if (made is null) return null;
        var due = !forecast.TryGetValue(load.Resource, out var last) || made.Step - last >= options.ForecastEverySteps;
        if (!due) return made;
        forecast[load.Resource] = made.Step;
        await PublishAsync(
            Topics.CapacityForecasts, load.Resource, made.Published, made.Published.Origin,
            $"forecast/{load.Resource}/{made.Published.Origin:O}", cancellation);
        return made;
    }

    /// <summary>
    /// A series that breaks a model costs its forecast and nothing else: the rule then goes by the last load.
    /// </summary>
    private ResourceForecast? TryForecast(LoadHistory load, CancellationToken cancellation)
    {
        try
        {
            return desk.Forecast(load, cancellation);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            NotForecast(logger, e, load.Resource);
            return null;
        }
    }

    private async Task DecideAsync(
        Autoscaler scaler, LoadHistory load, long step, ResourceForecast? made, CancellationToken cancellation)
    {
        var target = scaler.Target;
        var lastLoad = made?.LastLoad ?? load.Snapshot().Span[^1];
        var ahead = made?.Prediction.WindowMax(target.StartupSteps + 1, target.Level);
        var unit = load.Unit.Length > 0 ? load.Unit : "units";
        var decision = await scaler.DecideAsync(
            new LoadNow(step, load.TimeOf(step), lastLoad, ahead, unit), cancellation);
        if (decision is null) return;
        if (decision.Error is { } error) NotApplied(logger, target.Name, error);
        var changed = decision.Applied && decision.DesiredReplicas != decision.CurrentReplicas;
        if (changed) Scaled(logger, target.Name, decision.Reason);
        await PublishAsync(
            Topics.CapacityDecisions, target.Name, decision, decision.Time, $"decision/{target.Name}/{decision.Time:O}",
            cancellation);
    }

    /// <summary>Publishes until it is taken; the id makes a second delivery recognisable.</summary>
    private async Task PublishAsync(
        Topic topic, string key, IMessage message, DateTimeOffset time, string id, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await publisher.PublishAsync(topic, key, message, time, cancellation, new PublishOptions(id));
                return;
            }
            catch (PublishException e)
            {
                NotPublished(logger, topic.Name, e.Message);
                await Task.Delay(RetryDelay, clock, cancellation);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message =
        "Forecasting {Resources} resources and scaling {Targets} targets.")]
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
