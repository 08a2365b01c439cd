using System.Collections.Concurrent;
using System.Globalization;
using Confluent.Kafka;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.Logging;
using Streamiz.Kafka.Net.Kafka;
using Streamiz.Kafka.Net.Metrics;

namespace EventStream.Streams.Clients;

/// <summary>
/// The Kafka clients of a stream, with the platform's settings. What the library leaves open is set here: a
/// transactional id and a member id that are the same after a restart, so that the successor ends what a killed
/// process left behind; committed offsets asked after that and before state is read back; partitions that are lost
/// distinguished from partitions that are given up. Clients are disposed with it, also those that the library forgets
/// when it fails.
/// </summary>
internal sealed partial class PlatformClients(StreamScope scope, KafkaOptions kafka) : IKafkaSupplier, IDisposable
{
    private static readonly TimeSpan CommittedTimeout = TimeSpan.FromSeconds(30);
    private readonly ConcurrentDictionary<string, IProducer<byte[], byte[]>> producers = new();
    private readonly ConcurrentDictionary<string, BatchingConsumer> consumers = new();
    private readonly ConcurrentBag<IDisposable> others = [];
    private volatile bool closing;

    public StreamMetricsRegistry MetricsRegistry { get; set; } = null!;

    /// <summary>The consumers of the stream's threads.</summary>
    public IEnumerable<BatchingConsumer> Consumers => consumers.Values;

    private StreamsOptions Options => scope.Options;

    public IAdminClient GetAdmin(AdminClientConfig config)
    {
        var admin = new AdminClientBuilder(new AdminClientConfig(kafka.ClientConfig($"{Options.ApplicationId}-admin")))
            .SetLogHandler((_, message) => ClientMessage(scope.Logger, "admin", message.Message))
            .SetErrorHandler((_, _) => { })
            .Build();
        others.Add(admin);
        return admin;
    }

    public IProducer<byte[], byte[]> GetProducer(ProducerConfig config)
    {
        var thread = ThreadOf(config.ClientId, "-streamiz-producer");
        var name = $"{Options.ApplicationId}-{thread}";
        var ours = config.TransactionalId is null
            ? kafka.ProducerConfig(name)
            : kafka.TransactionalConfig(name, Options.TransactionalId(thread), Options.TransactionTimeout);

        var client = new ProducerBuilder<byte[], byte[]>(ours)
            .SetLogHandler((_, message) => ClientMessage(scope.Logger, "producer", message.Message))
            .SetErrorHandler((_, _) => { })
            .Build();
        var producer = new StreamProducer(scope, client, () => Standing(thread));
        // The library asks for another when it has lost its partitions, and drops the former one.
        if (producers.TryRemove($"{thread}", out var former))
            former.Dispose();
        return producers[$"{thread}"] = producer;
    }

    public IConsumer<byte[], byte[]> GetConsumer(ConsumerConfig config, IConsumerRebalanceListener rebalanceListener)
    {
        var thread = ThreadOf(config.ClientId, "-streamiz-consumer");
        var ours = kafka.ConsumerConfig($"{Options.ApplicationId}-{thread}", Options.ApplicationId);
        ours.GroupInstanceId = $"{Options.InstanceId}-{thread}";
        // Range gives equal partition numbers of all inputs to the same member, which tasks with several inputs need.
        // The cooperative protocol can commit outputs without their offsets here.
        ours.PartitionAssignmentStrategy = PartitionAssignmentStrategy.Range;
        ours.EnablePartitionEof = true;
        ours.FetchWaitMaxMs = 100;
        ours.SessionTimeoutMs = (int)Options.SessionTimeout.TotalMilliseconds;
        ours.HeartbeatIntervalMs = ours.SessionTimeoutMs / 4;
        var consumer = new BatchingConsumer(scope, self => Build(ours, rebalanceListener, self), Ended);
        return consumers[$"{thread}"] = consumer;
    }

    public IConsumer<byte[], byte[]> GetRestoreConsumer(ConsumerConfig config)
    {
        var group = $"{Options.ApplicationId}-restore";
        var ours = kafka.ConsumerConfig(group, group);
        ours.IsolationLevel =
            Options.ProcessingGuarantee == ProcessingGuarantee.ExactlyOnceV2
                ? IsolationLevel.ReadCommitted
                : IsolationLevel.ReadUncommitted;
        ours.FetchWaitMaxMs = 50;
        // One reader for all changelogs of the thread, for a moment: more in flight than a role's usual reader.
        ours.QueuedMinMessages = 100_000;
        ours.QueuedMaxMessagesKbytes = 32 * 1024;
        var consumer = new ConsumerBuilder<byte[], byte[]>(ours)
            .SetLogHandler((_, message) => ClientMessage(scope.Logger, "restore consumer", message.Message))
            .SetErrorHandler((_, _) => { })
            .Build();
        others.Add(consumer);
        return consumer;
    }

    public IConsumer<byte[], byte[]> GetGlobalConsumer(ConsumerConfig config) =>
        throw new NotSupportedException("Our topologies have no global tables.");

    /// <summary>The stream is about to end: a thread that does is no failure.</summary>
    public void BeginClose() => closing = true;

    public void Dispose()
    {
        closing = true;
        foreach (var client in consumers.Values.Concat<IDisposable>(producers.Values).Concat(others))
        {
            try
            {
                client.Dispose();
            }
            catch (ObjectDisposedException)
            {
                // The library disposed of it; an admin client minds a second time.
            }
        }
    }

    private static int ThreadOf(string clientId, string suffix)
    {
        var name = clientId.Replace(suffix, "", StringComparison.Ordinal);
        return int.Parse(name.AsSpan(name.LastIndexOf('-') + 1), CultureInfo.InvariantCulture);
    }

    private IConsumer<byte[], byte[]> Build(
        ConsumerConfig config,
        IConsumerRebalanceListener listener,
        BatchingConsumer self
    ) =>
        new ConsumerBuilder<byte[], byte[]>(config)
            .SetLogHandler((_, message) => ClientMessage(scope.Logger, "consumer", message.Message))
            .SetErrorHandler((_, error) => Judge(error))
            .SetPartitionsAssignedHandler(
                (consumer, partitions) =>
                {
                    self.Rebalanced(partitions);
                    // Creating the tasks ends a predecessor's transaction. Only then are the offsets final, and only
                    // after them is state read back.
                    listener.PartitionsAssigned(consumer, partitions);
                    return partitions.Count == 0 ? [] : consumer.Committed(partitions, CommittedTimeout).Select(Start);
                }
            )
            .SetPartitionsRevokedHandler(
                (consumer, partitions) =>
                {
                    listener.PartitionsRevoked(consumer, partitions);
                    self.Rebalanced([]);
                }
            )
            .SetPartitionsLostHandler(
                (consumer, partitions) =>
                {
                    listener.PartitionsLost(consumer, partitions);
                    self.Rebalanced([]);
                }
            )
            .Build();

    private static TopicPartitionOffset Start(TopicPartitionOffset committed) =>
        new(committed.TopicPartition, committed.Offset == Offset.Unset ? Offset.Beginning : committed.Offset);

    private TopicPartitionOffset? Standing(int thread) =>
        consumers.TryGetValue($"{thread}", out var consumer) ? scope.Inputs.Standing(consumer) : null;

    private void Judge(Error error)
    {
        if (error.IsFatal)
            scope.Fail(new StreamException($"The consumer cannot go on: {error.Reason}"));
    }

    private void Ended(BatchingConsumer consumer)
    {
        if (!closing)
            scope.Fail(new StreamException("A thread of the stream ended."));
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Kafka {Client}: {Text}")]
    private static partial void ClientMessage(ILogger logger, string client, string text);
}
