using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;
using EventStream.Streams;
using Microsoft.Extensions.Logging.Abstractions;
using Streamiz.Kafka.Net.Stream;

namespace EventStream.Tests.Kit;

/// <summary>
/// The platform's broker, or the Apache Kafka that <c>EVENTSTREAM_TEST_KAFKA</c> names, with what a stream test needs
/// of it.
/// </summary>
internal sealed class StreamsBroker : IAsyncDisposable
{
    private readonly TestBroker? own;

    private StreamsBroker(TestBroker? own, string bootstrap)
    {
        this.own = own;
        Kafka = new KafkaOptions { Bootstrap = bootstrap };
        Admin = new TopicAdmin(Kafka, NullLogger<TopicAdmin>.Instance);
    }

    public KafkaOptions Kafka { get; }

    public TopicAdmin Admin { get; }

    public static async Task<StreamsBroker> StartAsync()
    {
        if (Environment.GetEnvironmentVariable("EVENTSTREAM_TEST_KAFKA") is { Length: > 0 } real)
            return new StreamsBroker(null, real);
        var broker = await TestBroker.StartAsync();
        return new StreamsBroker(broker, broker.Bootstrap);
    }

    /// <summary>A host of a topology on the broker; it is started by the test.</summary>
    public StreamHost Host(Func<StreamScope, Topology> topology, StreamsOptions options) =>
        new(topology, options, Kafka, Admin, TimeProvider.System, NullLogger<StreamHost>.Instance);

    public void Write(string topic, IEnumerable<Message<byte[], byte[]>> records)
    {
        using var producer = new ProducerBuilder<byte[], byte[]>(Kafka.ProducerConfig("test")).Build();
        // In parts that fit into the client's queue.
        foreach (var part in records.Chunk(5_000))
        {
            foreach (var record in part)
                producer.Produce(topic, record);
            producer.Flush(TimeSpan.FromSeconds(30));
        }
    }

    /// <summary>
    /// Reads committed records until the condition holds; fails with what was read when it does not in time.
    /// </summary>
    public List<ConsumeResult<byte[], byte[]>> ReadUntil(
        Topic topic,
        Func<List<ConsumeResult<byte[], byte[]>>, bool> enough,
        IsolationLevel isolation = IsolationLevel.ReadCommitted
    )
    {
        var config = Kafka.ConsumerConfig("test-reader", $"reader-{Guid.NewGuid()}");
        config.IsolationLevel = isolation;
        using var consumer = new ConsumerBuilder<byte[], byte[]>(config).Build();
        consumer.Assign(
            Enumerable
                .Range(0, topic.Partitions)
                .Select(partition => new TopicPartitionOffset(topic.Name, partition, Offset.Beginning))
        );
        var read = new List<ConsumeResult<byte[], byte[]>>();
        var started = TimeProvider.System.GetTimestamp();
        while (!enough(read))
        {
            if (TimeProvider.System.GetElapsedTime(started) > TimeSpan.FromSeconds(60))
                Assert.Fail($"Only {read.Count} records of '{topic}' came within a minute.");
            if (consumer.Consume(TimeSpan.FromMilliseconds(100)) is { } record)
                read.Add(record);
        }

        return read;
    }

    /// <summary>Counts the records that a reader of committed transactions sees up to the present end.</summary>
    public int Committed(Topic topic)
    {
        var config = Kafka.ConsumerConfig("test-counter", $"counter-{Guid.NewGuid()}");
        config.EnablePartitionEof = true;
        using var consumer = new ConsumerBuilder<byte[], byte[]>(config).Build();
        consumer.Assign(
            Enumerable
                .Range(0, topic.Partitions)
                .Select(partition => new TopicPartitionOffset(topic.Name, partition, Offset.Beginning))
        );
        var (count, ends) = (0, 0);
        while (ends < topic.Partitions)
        {
            var record = consumer.Consume(TimeSpan.FromSeconds(30));
            Assert.NotNull(record);
            if (record.IsPartitionEOF)
                ends++;
            else
                count++;
        }

        return count;
    }

    public async ValueTask DisposeAsync()
    {
        if (own is not null)
            await own.DisposeAsync();
    }
}
