using Confluent.Kafka;
using Confluent.Kafka.Admin;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker;

/// <summary>Stock clients, set up for a test broker.</summary>
internal static class Clients
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static IProducer<string, string> Producer(TestBroker broker, Action<ProducerConfig>? configure = null)
    {
        var config = new ProducerConfig
        {
            BootstrapServers = broker.Bootstrap,
            EnableIdempotence = true,
            LingerMs = 1,
            MessageTimeoutMs = 20_000,
        };
        configure?.Invoke(config);
        return new ProducerBuilder<string, string>(config).SetLogHandler((_, _) => { }).Build();
    }

    public static IConsumer<string, string> Consumer(
        TestBroker broker,
        string group,
        Action<ConsumerConfig>? configure = null
    ) => Consumer(broker.Bootstrap, group, configure);

    public static IConsumer<string, string> Consumer(
        string bootstrap,
        string group,
        Action<ConsumerConfig>? configure = null
    )
    {
        var config = new ConsumerConfig
        {
            BootstrapServers = bootstrap,
            GroupId = group,
            AutoOffsetReset = AutoOffsetReset.Earliest,
            EnableAutoCommit = false,
            HeartbeatIntervalMs = 200,
            SessionTimeoutMs = 6000,
            FetchWaitMaxMs = 100,
        };
        configure?.Invoke(config);
        return new ConsumerBuilder<string, string>(config).SetLogHandler((_, _) => { }).Build();
    }

    public static IAdminClient Admin(TestBroker broker) =>
        new AdminClientBuilder(new AdminClientConfig { BootstrapServers = broker.Bootstrap })
            .SetLogHandler((_, _) => { })
            .Build();

    /// <summary>Makes a topic of a name of its own.</summary>
    public static async Task<string> CreateTopicAsync(
        TestBroker broker,
        int partitions,
        params (string Name, string Value)[] configs
    )
    {
        var topic = $"t-{Guid.NewGuid():N}";
        using var admin = Admin(broker);
        await admin.CreateTopicsAsync([
            new TopicSpecification
            {
                Name = topic,
                NumPartitions = partitions,
                ReplicationFactor = 1,
                Configs = configs.ToDictionary(c => c.Name, c => c.Value),
            },
        ]);
        return topic;
    }

    /// <summary>
    /// Reads partition 0 from its start until so many records are there, then makes sure that no more come.
    /// </summary>
    public static List<ConsumeResult<string, string>> ReadAll(
        TestBroker broker,
        string topic,
        int count,
        IsolationLevel isolation = IsolationLevel.ReadCommitted
    ) => ReadAll(broker.Bootstrap, topic, count, isolation);

    public static List<ConsumeResult<string, string>> ReadAll(
        string bootstrap,
        string topic,
        int count,
        IsolationLevel isolation
    )
    {
        using var consumer = Consumer(
            bootstrap,
            $"g-{Guid.NewGuid():N}",
            c =>
            {
                c.IsolationLevel = isolation;
                c.EnablePartitionEof = true;
            }
        );
        consumer.Assign(new TopicPartitionOffset(topic, 0, Offset.Beginning));
        var records = new List<ConsumeResult<string, string>>();
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (clock.Elapsed < Patience)
        {
            var result = consumer.Consume(TimeSpan.FromMilliseconds(200));
            if (result is null)
            {
                continue;
            }
            if (result.IsPartitionEOF && records.Count >= count)
            {
                return records;
            }
            if (!result.IsPartitionEOF)
            {
                records.Add(result);
            }
        }
        throw new TimeoutException($"Only {records.Count} of {count} records came from {topic}.");
    }
}
