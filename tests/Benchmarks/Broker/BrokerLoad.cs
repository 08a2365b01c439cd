using System.Diagnostics;
using Confluent.Kafka;

namespace EventStream.Benchmarks;

/// <summary>One kind of load: how many records of which size, from how many producers.</summary>
internal sealed record BrokerWorkload(string Name, int Records, int RecordBytes, int Producers)
{
    public string Topic => $"bench-{RecordBytes}-{Producers}";
}

/// <summary>The stock client, librdkafka, as the load on whichever broker.</summary>
internal static class BrokerLoad
{
    /// <summary>
    /// Bytes that a producer has on the way: several full requests, and not so much that fresh memory for what waits
    /// becomes the measure.
    /// </summary>
    private const int InFlightBytes = 8 << 20;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static async Task CreateAsync(string bootstrap, string topic)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrap }).Build();
        await admin.CreateTopicsAsync([
            new()
            {
                Name = topic,
                NumPartitions = 1,
                ReplicationFactor = 1,
            },
        ]);
    }

    public static async Task DeleteAsync(string bootstrap, string topic)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrap }).Build();
        await admin.DeleteTopicsAsync([topic]);
    }

    /// <summary>Idempotent, acknowledged by all; null for the cluster that librdkafka itself imitates.</summary>
    public static ProducerConfig Producer(string? bootstrap)
    {
        var config = new ProducerConfig
        {
            BootstrapServers = bootstrap ?? "unused:1",
            EnableIdempotence = true,
            Acks = Acks.All,
            LingerMs = 5,
        };
        if (bootstrap is null)
            config.Set("test.mock.num.brokers", "1");
        return config;
    }

    /// <summary>
    /// Sends all records of the workload and waits until each is acknowledged. Every producer has a thread of its own:
    /// it waits for room, and a pool would give threads to so many only by and by.
    /// </summary>
    public static Task ProduceAsync(BrokerWorkload load, string? bootstrap) =>
        Task.WhenAll(
            Enumerable
                .Range(0, load.Producers)
                .Select(_ =>
                    Task.Factory.StartNew(
                            () =>
                                ProduceOneAsync(
                                    Producer(bootstrap),
                                    load.Topic,
                                    load.RecordBytes,
                                    load.Records / load.Producers
                                ),
                            CancellationToken.None,
                            TaskCreationOptions.LongRunning,
                            TaskScheduler.Default
                        )
                        .Unwrap()
                )
        );

    /// <summary>Reads so many records from the start of the topic.</summary>
    public static Task ConsumeAsync(BrokerWorkload load, string bootstrap) =>
        Task.Run(() =>
        {
            using var consumer = Consumer(bootstrap);
            consumer.Assign(new TopicPartitionOffset(load.Topic, 0, Offset.Beginning));
            for (var i = 0; i < load.Records; i++)
            {
                if (consumer.Consume(Patience) is null)
                    throw new TimeoutException("No record came for a minute.");
            }
        });

    /// <summary>
    /// Milliseconds from the call of a producer that sends one record at a time to the record at the consumer.
    /// </summary>
    public static async Task<List<double>> LatenciesAsync(string bootstrap, string topic, int records)
    {
        using var consumer = Consumer(bootstrap);
        consumer.Assign(new TopicPartitionOffset(topic, 0, Offset.End));
        var config = Producer(bootstrap);
        config.LingerMs = 0;
        using var producer = new ProducerBuilder<Null, byte[]>(config).Build();
        await producer.ProduceAsync(topic, new Message<Null, byte[]> { Value = new byte[600] });
        consumer.Consume(TimeSpan.FromSeconds(1));
        var latencies = new List<double>();
        for (var i = 0; i < records; i++)
        {
            var began = Stopwatch.GetTimestamp();
            producer.Produce(topic, new Message<Null, byte[]> { Value = new byte[600] });
            if (consumer.Consume(Patience) is null)
                throw new TimeoutException("A record did not arrive for a minute.");
            latencies.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }

        return latencies;
    }

    private static IConsumer<Ignore, Ignore> Consumer(string bootstrap) =>
        new ConsumerBuilder<Ignore, Ignore>(
            new ConsumerConfig
            {
                BootstrapServers = bootstrap,
                GroupId = "bench",
                EnableAutoCommit = false,
                QueuedMaxMessagesKbytes = 64 * 1024,
            }
        ).Build();

    private static async Task ProduceOneAsync(ProducerConfig config, string topic, int recordBytes, int records)
    {
        using var producer = new ProducerBuilder<Null, byte[]>(config).SetLogHandler((_, _) => { }).Build();
        var value = new byte[recordBytes];
        new Random(1).NextBytes(value);
        var left = records;
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var room = new SemaphoreSlim(InFlightBytes / recordBytes);
        void Delivered(DeliveryReport<Null, byte[]> report)
        {
            // Before the end is told, which disposes of it.
            room.Release();
            if (report.Error.IsError)
                done.TrySetException(new KafkaException(report.Error));
            else if (Interlocked.Decrement(ref left) == 0)
                done.TrySetResult();
        }

        for (var i = 0; i < records; i++)
        {
            if (!room.Wait(Patience))
                throw new TimeoutException("No record was acknowledged for a minute.");
            producer.Produce(topic, new Message<Null, byte[]> { Value = value }, Delivered);
        }

        await done.Task;
    }
}
