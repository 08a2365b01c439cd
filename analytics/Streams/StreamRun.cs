using EventStream.Messaging.Kafka;
using EventStream.Streams.Clients;
using Microsoft.Extensions.Logging;
using Streamiz.Kafka.Net;
using Streamiz.Kafka.Net.Stream;

namespace EventStream.Streams;

/// <summary>One stream of the library with its clients, from its start to its end.</summary>
internal sealed partial class StreamRun : IAsyncDisposable
{
    /// <summary>Time for the last commit and for leaving; then the stream is left to end by itself.</summary>
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(20);

    private readonly PlatformClients clients;
    private readonly KafkaStream stream;
    private volatile KafkaStream.State state = KafkaStream.State.CREATED;

    public StreamRun(StreamScope scope, Topology topology, KafkaOptions kafka)
    {
        Scope = scope;
        clients = new PlatformClients(scope, kafka);
        stream = new KafkaStream(topology, StreamConfigs.Of(scope, kafka), clients);
        stream.StateChanged += (_, now) =>
        {
            state = now;
            if (now == KafkaStream.State.ERROR)
                scope.Fail(new StreamException("The stream's threads ended, or its topics could not be made."));
        };
        stream.OnRestoreBatchEvent += (_, _, _, records) => scope.Restore.Read(records);
        stream.OnRestoreEndEvent += (partition, store, _) => scope.Restore.Done(store, partition.Partition.Value);
    }

    public StreamScope Scope { get; }

    public StreamsState State
    {
        get
        {
            var (done, total, _) = Scope.Restore.Now;
            return state == KafkaStream.State.REBALANCING ? StreamsState.Rebalancing
                : done < total ? StreamsState.Restoring
                : StreamsState.Running;
        }
    }

    public long Lag => clients.Consumers.Sum(consumer => consumer.Lag);

    /// <summary>The tasks that run here, by sub-topology and partition.</summary>
    public IReadOnlyList<string> Tasks => Scope.Tasks;

    public Task StartAsync(CancellationToken cancellation) => stream.StartAsync().WaitAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        clients.BeginClose();
        var closing = Task.Run(stream.Dispose);
        // Never before the stream has ended: a thread that waits inside librdkafka, as for a broker that is away, would
        // go on with memory that is freed.
        var closed = closing.ContinueWith(
            _ => clients.Dispose(),
            CancellationToken.None,
            TaskContinuationOptions.None,
            TaskScheduler.Default
        );
        try
        {
            await closed.WaitAsync(EndTimeout);
        }
        catch (TimeoutException)
        {
            Abandoned(Scope.Logger, EndTimeout);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "The stream did not end in {Timeout}; its clients are closed when it does."
    )]
    private static partial void Abandoned(ILogger logger, TimeSpan timeout);
}
