using EventStream.Messaging.Kafka;
using EventStream.Streams.Runtime;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Streams;

/// <summary>Where an application is in its life.</summary>
public enum StreamsState
{
    Starting,
    Running,

    /// <summary>State is read back from the changelogs; nothing is processed meanwhile.</summary>
    Restoring,

    /// <summary>A thread failed and its successor is being started.</summary>
    Recovering,

    /// <summary>Stopped by the bad-record policy; it needs an operator.</summary>
    Failed,
    Stopped,
}

/// <summary>Where an application is and what its threads do; <paramref name="Error"/> is the last failure.</summary>
public sealed record StreamsStatus(
    StreamsState State,
    IReadOnlyList<string> Tasks,
    long Processed,
    long Late,
    long Bad,
    long Lag,
    string? Error
);

/// <summary>
/// Runs a topology against a broker: creates its internal topics, starts the threads, and replaces one that fails
/// after a wait that doubles, from the last commit on.
/// </summary>
public sealed partial class StreamsApp : IHostedService, IDisposable
{
    private static readonly TimeSpan ReplaceDelayMax = TimeSpan.FromSeconds(20);
    private readonly Topology topology;
    private readonly StreamsOptions options;
    private readonly KafkaOptions kafka;
    private readonly InternalTopics topics;
    private readonly TimeProvider clock;
    private readonly ILogger<StreamsApp> logger;
    private readonly CancellationTokenSource stop = new();
    private readonly StreamThread?[] threads;
    private Task running = Task.CompletedTask;
    private volatile string? error;
    private volatile StreamsState state = StreamsState.Starting;

    public StreamsApp(
        Topology topology,
        StreamsOptions options,
        KafkaOptions kafka,
        TopicAdmin admin,
        TimeProvider clock,
        ILogger<StreamsApp> logger
    )
    {
        (this.topology, this.options, this.kafka, this.clock, this.logger) = (
            topology,
            options,
            kafka,
            clock,
            logger
        );
        topics = new InternalTopics(topology, options, kafka, admin, clock);
        threads = new StreamThread?[options.Threads];
    }

    public StreamsStatus Status
    {
        get
        {
            var parts = threads.OfType<StreamThread>().Select(thread => thread.Status).ToList();
            return new StreamsStatus(
                state == StreamsState.Running && parts.Exists(part => part.Restoring)
                    ? StreamsState.Restoring
                    : state,
                parts.SelectMany(part => part.Tasks).ToList(),
                parts.Sum(part => part.Processed),
                parts.Sum(part => part.Late),
                parts.Sum(part => part.Bad),
                parts.Sum(part => part.Lag),
                error
            );
        }
    }

    /// <summary>
    /// What it reads and writes in Kafka, for the role's readiness: inputs, outputs, its internal topics once they
    /// exist, its group and its transactions.
    /// </summary>
    public IEnumerable<NeededTopic> NeededTopics =>
        topology
            .SubTopologies.SelectMany(sub => sub.Nodes)
            .Where(node => node.Topic is { Internal: false })
            .Select(node => new NeededTopic(node.Topic!.Name))
            .Concat(topics.Names.Select(name => new NeededTopic(name)))
            .Append(NeededTopic.OfGroup(options.ApplicationId))
            .Concat(
                Enumerable
                    .Range(0, options.ProcessingGuarantee == ProcessingGuarantee.ExactlyOnceV2 ? options.Threads : 0)
                    .Select(thread => NeededTopic.OfTransactions(options.TransactionalId(thread)))
            );

    /// <summary>A sentence for each internal topic with fewer replicas than it should have.</summary>
    public IReadOnlyList<string> FewReplicas => topics.FewReplicas;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        running = Task.WhenAll(
            Enumerable
                .Range(0, options.Threads)
                .Select(number =>
                    Task.Factory.StartNew(
                        () => Supervise(number),
                        CancellationToken.None,
                        TaskCreationOptions.LongRunning,
                        TaskScheduler.Default
                    )
                )
        );
        return Task.CompletedTask;
    }

    /// <summary>Commits what is in hand and leaves the group.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await stop.CancelAsync();
        await running.WaitAsync(cancellationToken);
        if (state != StreamsState.Failed)
            state = StreamsState.Stopped;
    }

    /// <summary>
    /// The value of a key in a store of this instance, with what the last records made of it; null where the key is
    /// not known here. Throws <see cref="InvalidOperationException"/> when the thread is too busy to answer.
    /// </summary>
    public async Task<TValue?> QueryAsync<TKey, TValue>(string store, TKey key, CancellationToken cancellation)
        where TKey : notnull
        where TValue : class
    {
        foreach (var thread in threads.OfType<StreamThread>())
        {
            var answer = new TaskCompletionSource<TValue?>(TaskCreationOptions.RunContinuationsAsynchronously);
            if (!thread.TryQuery(tasks => answer.TrySetResult(Look<TKey, TValue>(tasks, store, key))))
                throw new InvalidOperationException("Too many reads wait for the stream; try again.");
            var value = await answer.Task.WaitAsync(TimeSpan.FromSeconds(5), clock, cancellation);
            if (value is not null)
                return value;
        }

        return null;
    }

    public void Dispose() => stop.Dispose();

    /// <summary>
    /// Ends every thread as a crash would: nothing is committed, aborted or said. For tests of recovery.
    /// </summary>
    internal async Task KillAsync()
    {
        foreach (var thread in threads.OfType<StreamThread>())
            thread.Kill();
        await stop.CancelAsync();
        await running;
    }

    private static TValue? Look<TKey, TValue>(TaskSet tasks, string store, TKey key)
        where TKey : notnull
        where TValue : class
    {
        foreach (var task in tasks.All.Where(task => task.Stores.Contains(store)))
        {
            if (((KeyValueStore<TKey, TValue>)task.Store(store)).TryGet(key, out var value))
                return value;
        }

        return null;
    }

    private void Supervise(int number)
    {
        var delay = TimeSpan.FromMilliseconds(250);
        while (!stop.IsCancellationRequested && state != StreamsState.Failed)
        {
            try
            {
                RunThread(number);
                return;
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (UnreadableRecordException e)
            {
                (error, state) = (e.Message, StreamsState.Failed);
                Failed(logger, e.Message);
            }
            catch (Exception e)
            {
                (error, state) = (e.Message, StreamsState.Recovering);
                Replaced(logger, e, number, delay);
                stop.Token.WaitHandle.WaitOne(delay);
                delay = delay * 2 < ReplaceDelayMax ? delay * 2 : ReplaceDelayMax;
            }
        }
    }

    private void RunThread(int number)
    {
        topics.EnsureAsync(stop.Token).GetAwaiter().GetResult();
        using var thread = new StreamThread(topology, topics.PartitionsOf, options, kafka, number, clock, logger);
        threads[number] = thread;
        state = StreamsState.Running;
        try
        {
            thread.Run(stop.Token);
        }
        finally
        {
            threads[number] = null;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Stopped by the bad-record policy: {Reason}")]
    private static partial void Failed(ILogger logger, string reason);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Stream thread {Number} failed; its successor starts in {Delay}."
    )]
    private static partial void Replaced(ILogger logger, Exception e, int number, TimeSpan delay);
}
