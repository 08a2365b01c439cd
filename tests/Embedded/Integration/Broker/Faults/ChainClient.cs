using Confluent.Kafka;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker.Faults;

/// <summary>
/// Consume, transform, produce, exactly once: what it reads from the source goes to the same partition of the target in
/// transactions that carry the offsets. It commits before it lets go of partitions, and ends at any error that would
/// need more than that: the next process begins where the last commit stands.
/// </summary>
internal sealed class ChainClient
{
    public const string Group = "chain";
    private const int RecordsMax = 100;
    private static readonly TimeSpan CommitInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _source;
    private readonly string _target;
    private readonly IProducer<string, string> _producer;
    private readonly IConsumer<string, string> _consumer;
    private readonly Dictionary<TopicPartition, Offset> _pending = [];
    private int _records;

    public ChainClient(string bootstrap, string source, string target, string name)
    {
        _source = source;
        _target = target;
        _producer = new ProducerBuilder<string, string>(
            new ProducerConfig
            {
                BootstrapServers = bootstrap,
                TransactionalId = name,
                TransactionTimeoutMs = 60_000,
                LingerMs = 2,
                ReconnectBackoffMaxMs = 200,
                // As in the product: librdkafka issue 5511.
                MetadataRecoveryStrategy = MetadataRecoveryStrategy.None,
            }
        ).SetLogHandler((_, _) => { }).Build();
        var consumer = new ConsumerBuilder<string, string>(
            new ConsumerConfig
            {
                BootstrapServers = bootstrap,
                GroupId = Group,
                AutoOffsetReset = AutoOffsetReset.Earliest,
                EnableAutoCommit = false,
                IsolationLevel = IsolationLevel.ReadCommitted,
                PartitionAssignmentStrategy = PartitionAssignmentStrategy.CooperativeSticky,
                SessionTimeoutMs = 4000,
                HeartbeatIntervalMs = 300,
                FetchWaitMaxMs = 100,
                ReconnectBackoffMaxMs = 200,
            }
        );
        consumer.SetPartitionsRevokedHandler((_, _) => Commit());
        consumer.SetPartitionsLostHandler((_, _) => Environment.Exit(FaultProgram.Fenced));
        consumer.SetLogHandler((_, _) => { });
        _consumer = consumer.Build();
    }

    public void Run(CancellationToken stop)
    {
        using var producer = _producer;
        using var consumer = _consumer;
        producer.InitTransactions(Patience);
        consumer.Subscribe(_source);
        for (var began = TimeProvider.System.GetTimestamp(); !stop.IsCancellationRequested; )
        {
            if (consumer.Consume(TimeSpan.FromMilliseconds(20)) is { } record)
            {
                Pass(record);
            }
            if (_records >= RecordsMax || TimeProvider.System.GetElapsedTime(began) > CommitInterval)
            {
                Commit();
                began = TimeProvider.System.GetTimestamp();
            }
        }
        Commit();
        consumer.Close();
    }

    private void Pass(ConsumeResult<string, string> record)
    {
        if (_records++ == 0)
        {
            _producer.BeginTransaction();
        }
        _producer.Produce(
            new TopicPartition(_target, record.Partition),
            new Message<string, string> { Key = record.Message.Key, Value = record.Message.Value }
        );
        _pending[record.TopicPartition] = record.Offset + 1;
    }

    private void Commit()
    {
        if (_records == 0)
        {
            return;
        }
        _producer.SendOffsetsToTransaction(
            _pending.Select(p => new TopicPartitionOffset(p.Key, p.Value)),
            _consumer.ConsumerGroupMetadata,
            Patience
        );
        _producer.CommitTransaction(Patience);
        _records = 0;
        _pending.Clear();
    }
}
