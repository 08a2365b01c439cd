using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;

namespace EventStream.Journey;

/// <summary>
/// Reads topics from their beginning with the stock client, as any reader outside the platform would.
/// </summary>
public sealed class TopicReader : IDisposable
{
    private readonly IConsumer<byte[], byte[]> consumer;

    public TopicReader(Platform platform, IReadOnlyList<Topic> topics)
    {
        var config = new KafkaOptions { Bootstrap = platform.Kafka }.ConsumerConfig(
            "journey",
            $"journey-{Guid.NewGuid():N}"
        );
        foreach (var (key, value) in platform.Env.KafkaSettings())
            config.Set(key, value);
        consumer = new ConsumerBuilder<byte[], byte[]>(config)
            .SetLogHandler((_, _) => { })
            .SetErrorHandler((_, _) => { })
            .Build();
        consumer.Assign(
            from topic in topics
            from partition in Enumerable.Range(0, topic.Partitions)
            select new TopicPartitionOffset(topic.Name, partition, Offset.Beginning)
        );
    }

    /// <summary>What has arrived since the last call, oldest first per partition.</summary>
    public IEnumerable<(IMessage Message, DateTimeOffset Time)> Read()
    {
        while (consumer.Consume(TimeSpan.FromMilliseconds(100)) is { } record)
        {
            var type =
                CloudEvents.Text(record.Message.Headers, CloudEvents.Type)
                ?? throw new JourneyException($"a record of {record.Topic} has no {CloudEvents.Type} header");
            yield return (
                MessageTypes.Read(type, record.Message.Value),
                DateTimeOffset.FromUnixTimeMilliseconds(record.Message.Timestamp.UnixTimestampMs)
            );
        }
    }

    /// <summary>Records of every topic of the platform, from the partitions' ends.</summary>
    public static IReadOnlyList<(string Topic, long Records)> Count(Platform platform)
    {
        using var reader = new TopicReader(platform, []);
        return
        [
            .. Topics.All.Select(topic =>
                (
                    topic.Name,
                    Enumerable
                        .Range(0, topic.Partitions)
                        .Sum(partition =>
                        {
                            var range = reader.consumer.QueryWatermarkOffsets(
                                new TopicPartition(topic.Name, partition),
                                TimeSpan.FromSeconds(10)
                            );
                            return range.High.Value - range.Low.Value;
                        })
                )
            ),
        ];
    }

    public void Dispose()
    {
        consumer.Close();
        consumer.Dispose();
    }
}
