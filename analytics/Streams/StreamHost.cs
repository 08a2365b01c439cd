using EventStream.Messaging.Kafka;
using EventStream.Streams.State;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Streamiz.Kafka.Net.Stream;

namespace EventStream.Streams;

/// <summary>
/// Runs a topology against a broker: creates its internal topics, starts the library's stream, and builds it again
/// after an error, from the last commit on, with a wait that doubles up to a bound.
/// </summary>
public sealed partial class StreamHost : IHostedService, IDisposable
{
    private static readonly TimeSpan FirstRebuildDelay = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan RebuildDelayMax = TimeSpan.FromSeconds(20);

    /// <summary>A stream that ran for longer starts with the shortest wait again.</summary>
    private static readonly TimeSpan SoundAfter = TimeSpan.FromMinutes(1);

    private readonly Func<StreamScope, Topology> topology;
    private readonly StreamsOptions options;
    private readonly KafkaOptions kafka;
    private readonly InternalTopics topics;
    private readonly TimeProvider clock;
    private readonly ILogger<StreamHost> logger;
    private readonly CancellationTokenSource stop = new();
    private readonly StreamCounts counts = new();
    private Task running = Task.CompletedTask;
    private volatile string? error;
    private volatile StreamsState state = StreamsState.Starting;
    private volatile StreamRun? run;

    /// <summary>Prepares; nothing is connected before <see cref="StartAsync"/>.</summary>
    public StreamHost(
        Func<StreamScope, Topology> topology,
        StreamsOptions options,
        KafkaOptions kafka,
        TopicAdmin admin,
        TimeProvider clock,
        ILogger<StreamHost> logger
    )
    {
        (this.topology, this.options, this.kafka, this.clock, this.logger) = (topology, options, kafka, clock, logger);
        topics = new InternalTopics(options, kafka, admin, clock);
    }

    /// <summary>A snapshot for operators.</summary>
    public StreamsStatus Status
    {
        get
        {
            var now = run;
            var (done, total, records) = now?.Scope.Restore.Now ?? default;
            return new StreamsStatus(
                now is null || state != StreamsState.Running ? state : now.State,
                now?.Tasks ?? [],
                counts.Processed,
                counts.Late,
                counts.Bad,
                now?.Lag ?? 0,
                error,
                new RestoreStatus(done, total, records)
            );
        }
    }

    /// <summary>The topology as text.</summary>
    public string Describe() => $"{topology(NewScope()).Describe()}";

    /// <summary>
    /// What it reads and writes in Kafka, for the role's readiness: its internal topics once they exist, its group and
    /// its transactions.
    /// </summary>
    public IEnumerable<NeededTopic> NeededTopics =>
        topics
            .Names.Select(name => new NeededTopic(name))
            .Append(NeededTopic.OfGroup(options.ApplicationId))
            .Concat(
                Enumerable
                    .Range(0, options.ProcessingGuarantee == ProcessingGuarantee.ExactlyOnceV2 ? options.Threads : 0)
                    .Select(thread => NeededTopic.OfTransactions(options.TransactionalId(thread)))
            );

    /// <summary>A sentence for each internal topic with fewer replicas than it should have.</summary>
    public IReadOnlyList<string> FewReplicas => topics.FewReplicas;

    /// <summary>Starts in the background; <see cref="Status"/> says how far it is.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        running = Task.Run(SuperviseAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <summary>Commits what is in hand and ends.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await stop.CancelAsync();
        await running.WaitAsync(cancellationToken);
        state = StreamsState.Stopped;
    }

    /// <summary>
    /// The value of a key in a store of this instance, with what the last records made of it, committed or not; null
    /// where the key is not known here.
    /// </summary>
    public TValue? Find<TKey, TValue>(string store, TKey key)
        where TKey : notnull
        where TValue : class =>
        run
            ?.Scope.Stores.OfType<TypedKeyValueStore<TKey, TValue>>()
            .Where(one => one.Name == store)
            .Select(one => one.TryGet(key, out var value) ? value : null)
            .FirstOrDefault(value => value is not null);

    /// <inheritdoc/>
    public void Dispose() => stop.Dispose();

    private StreamScope NewScope() => new(options, clock, counts, logger);

    private async Task SuperviseAsync()
    {
        var delay = FirstRebuildDelay;
        while (!stop.IsCancellationRequested)
        {
            var began = clock.GetTimestamp();
            try
            {
                await RunAsync();
                return;
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                (error, state) = (e.Message, StreamsState.Recovering);
                delay = clock.GetElapsedTime(began) > SoundAfter ? FirstRebuildDelay : delay;
                Rebuilding(logger, e, delay);
                StreamsMetrics.Rebuilds.Add(1);
                // A stop ends the wait; the loop sees it.
                await Task.Delay(delay, clock, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                delay = delay * 2 < RebuildDelayMax ? delay * 2 : RebuildDelayMax;
            }
        }
    }

    /// <summary>Runs one stream until it is stopped, or throws what ended it.</summary>
    private async Task RunAsync()
    {
        LibraryLog.WriteTo(logger);
        var scope = NewScope();
        var graph = topology(scope);
        scope.Partitions = await topics.EnsureAsync(StreamShape.Of(graph, scope), stop.Token);
        await using var one = new StreamRun(scope, graph, kafka);
        run = one;
        try
        {
            await one.StartAsync(stop.Token);
            state = StreamsState.Running;
            throw await scope.Failed.WaitAsync(stop.Token);
        }
        finally
        {
            run = null;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The stream failed and is built again in {Delay}.")]
    private static partial void Rebuilding(ILogger logger, Exception e, TimeSpan delay);
}
