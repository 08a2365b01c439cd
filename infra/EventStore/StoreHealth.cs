using System.Diagnostics.Metrics;
using EventStream.EventStore.Relay;
using EventStream.Messaging;
using JasperFx;
using JasperFx.Events.Daemon;
using Microsoft.Extensions.Hosting;

namespace EventStream.EventStore;

/// <summary>
/// Whether the readers of this process do their work. A process that is on standby has none and is well.
/// </summary>
public sealed class StoreHealth(
    Marten.Events.Daemon.Coordination.IProjectionCoordinator coordinator,
    StoreStatus status,
    IServiceProvider services
) : IHostedService
{
    private readonly KafkaRelay? relay = services.GetService(typeof(KafkaRelay)) as KafkaRelay;
    private readonly Meter meter = new(Telemetry.Meter.Name);
    private long? toFill;
    private bool isFilled;

    /// <summary>Why a reader of this process does not get on, or null.</summary>
    public string? Trouble
    {
        get
        {
            var agents = Agents();
            // What the relay failed at before another process took over is no trouble of this one.
            if (agents.Any(agent => agent.Name.Name == KafkaRelay.ReaderName) && relay?.Trouble is { } why)
                return why;
            return agents
                .Where(agent => agent.Status == AgentStatus.Paused)
                .Select(agent => $"{agent.Name.Identity} is paused: {agent.Failure?.Message}")
                .FirstOrDefault();
        }
    }

    /// <summary>
    /// The same, or which read model does not hold yet what was stored when this process started: one of a raised
    /// version is filled from the first event, and until then requests belong to the processes of the former release.
    /// </summary>
    public async Task<string?> TroubleAsync(CancellationToken cancellation)
    {
        if (Trouble is { } why)
            return why;
        if (isFilled)
            return null;
        var end = toFill ??= await status.NewestAsync(cancellation);
        var behind = (await status.ReadersAsync(cancellation)).FirstOrDefault(reader =>
            reader.Position < end && !reader.Name.StartsWith(KafkaRelay.ReaderName, StringComparison.Ordinal)
        );
        isFilled = behind is null;
        return behind is null ? null : $"the read model {behind.Name} is being filled: {behind.Position} of {end}";
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        meter.CreateObservableGauge(
            "eventstream.store.lag",
            Lags,
            "{position}",
            "Positions between the high-water mark and what a reader has handled."
        );
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        meter.Dispose();
        return Task.CompletedTask;
    }

    private IEnumerable<Measurement<long>> Lags() =>
        Agents()
            .Select(agent => new Measurement<long>(
                Math.Max(0, agent.HighWaterMark - agent.Position),
                new KeyValuePair<string, object?>("reader", agent.Name.Identity)
            ));

    private IReadOnlyList<ISubscriptionAgent> Agents() => coordinator.DaemonForMainDatabase().CurrentAgents();
}
