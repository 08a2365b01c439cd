using System.Diagnostics.Metrics;
using EventStream.EventStore.Projections;
using EventStream.Messaging;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.EventStore.Daemon;

/// <summary>
/// Runs the async projections, the subscriptions and the read models in memory of a process: one connection that owns
/// their names and hears of appends, one high-water mark for all, one task for each shard. Another process takes a name
/// over within <see cref="StandbyInterval"/> of its owner's connection ending.
/// </summary>
public sealed partial class ProjectionDaemon : BackgroundService
{
    /// <summary>How often names that another process owns are asked for, and changes of the registry are
    /// seen.</summary>
    public static readonly TimeSpan StandbyInterval = TimeSpan.FromSeconds(1);

    /// <summary>A lost wake-up costs at most this much delay.</summary>
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>While a transaction holds the mark back, its end is not notified to us; it is asked for.</summary>
    private static readonly TimeSpan PendingInterval = TimeSpan.FromMilliseconds(5);

    private readonly DaemonPlan plan;
    private readonly DaemonServices services;
    private readonly IReadOnlyList<Subscription> subscriptions;
    private readonly IReadOnlyList<MemoryProjection> inMemory;
    private readonly ProjectionRegistry registry;
    private readonly MarkWatch mark = new();
    private readonly ILogger log;
    private readonly Dictionary<string, RunningShard> running = new(StringComparer.Ordinal);
    private readonly Lock gate = new();
    private string? trouble;

    public ProjectionDaemon(
        DaemonPlan plan, IEnumerable<Subscription> subscriptions, IEnumerable<MemoryProjection> inMemory,
        DaemonServices services)
    {
        (this.plan, this.services) = (plan, services);
        (this.subscriptions, this.inMemory) = ([.. subscriptions], [.. inMemory]);
        registry = new ProjectionRegistry(services.Source, services.Options);
        log = services.Logs.CreateLogger<ProjectionDaemon>();
        Telemetry.Meter.CreateObservableGauge(
            "eventstream.store.lag", Lags, "{position}",
            "Positions between the high-water mark and what a reader has handled.");
    }

    /// <summary>Why something does not do its work, or null. Standing by for another owner is no trouble.</summary>
    public string? Trouble
    {
        get
        {
            lock (gate) return trouble
                ?? running.Values.Select(shard => shard.Trouble).FirstOrDefault(t => t is not null);
        }
    }

    /// <summary>Whether this process runs a reader: the name of a subscription or of a projection's shard.</summary>
    public bool Owns(string reader)
    {
        lock (gate) return running.TryGetValue(reader, out var shard) && !shard.Task.IsCompleted;
    }

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var projection in plan.Projections)
            await registry.EnsureAsync(projection, plan.LifecycleOf(projection), cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    /// <summary>Stops every shard; what one of them has in hand is rolled back or committed as a whole.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        try
        {
            await base.StopAsync(cancellationToken);
        }
        catch (AggregateException e) when (e.InnerExceptions.All(inner => inner is ObjectDisposedException))
        {
            // A connection that breaks in this very moment is disposed before Npgsql's own callback cancels what it
            // waits for. All callbacks have run, and the base has waited for the end of the work.
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var volatiles = inMemory.Select(model => model.RunAsync(mark, services, stoppingToken)).ToList();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RunSessionAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                lock (gate) trouble = e.Message;
                Log.Failed(log, e.Message);
            }
            catch (OperationCanceledException)
            {
                break;
            }

            await Task.Delay(StandbyInterval, services.Time, stoppingToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await Task.WhenAll(volatiles).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Runs for as long as the owning connection lives.</summary>
    private async Task RunSessionAsync(CancellationToken cancellation)
    {
        await using var session = await OwnerSession.OpenAsync(services.Options, cancellation);
        using var life = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var assignments = new Assignments(plan, subscriptions, registry, services, mark, log);
        try
        {
            var looked = services.Time.GetTimestamp() - services.Time.TimestampFrequency;
            while (true)
            {
                if (services.Time.GetElapsedTime(looked) >= StandbyInterval)
                {
                    await assignments.ReconcileAsync(session, running, gate, life.Token);
                    looked = services.Time.GetTimestamp();
                    lock (gate) trouble = assignments.Trouble;
                }

                mark.Set(await services.HighWater.AdvanceAsync(cancellation));
                await session.WaitAsync(services.HighWater.HasPending ? PendingInterval : PollInterval, cancellation);
            }
        }
        finally
        {
            await life.CancelAsync();
            List<RunningShard> ending;
            lock (gate) ending = [.. running.Values];
            await Task.WhenAll(ending.Select(shard => shard.Task));
            lock (gate) running.Clear();
            foreach (var shard in ending) shard.Dispose();
        }
    }

    private IEnumerable<Measurement<long>> Lags()
    {
        var now = mark.Current;
        lock (gate)
        {
            return [.. running.Values.Where(shard => shard.Reached is not null).Select(shard => new Measurement<long>(
                Math.Max(0, now - shard.Reached!.Value), new KeyValuePair<string, object?>("reader", shard.Name)))];
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The daemon begins anew after: {Cause}")]
        public static partial void Failed(ILogger logger, string cause);
    }
}

/// <summary>A reader that this process runs.</summary>
internal sealed class RunningShard(string name, CancellationTokenSource life) : IDisposable
{
    public string Name { get; } = name;

    public Task Task { get; set; } = Task.CompletedTask;

    public ShardWorker? Worker { get; set; }

    public string? Failure { get; set; }

    public string? Trouble => Failure ?? Worker?.Trouble;

    public long? Reached => Worker?.Reached;

    public Task CancelAsync() => life.CancelAsync();

    public void Dispose() => life.Dispose();
}
