using Confluent.Kafka;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// Every partition that topics have now, where to begin in each, and those that hold records to read before a read
/// model is caught up. The broker says how many there are, since partitions may have been added.
/// </summary>
internal sealed record WholeTopics(List<TopicPartitionOffset> Starts, HashSet<TopicPartition> Unread)
{
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Throws <see cref="KafkaException"/> when the broker does not answer or lacks a topic.</summary>
    public static WholeTopics Find(IConsumer<byte[], byte[]> consumer, ConsumerOptions options)
    {
        var found = new WholeTopics([], []);
        using var admin = new DependentAdminClientBuilder(consumer.Handle).Build();
        foreach (var topic in options.Topics)
        {
            var metadata = admin.GetMetadata(topic.Name, RequestTimeout).Topics.Single();
            if (metadata.Error.IsError)
                throw new KafkaException(metadata.Error);
            foreach (var partition in metadata.Partitions)
                found.Add(consumer, new TopicPartition(topic.Name, partition.PartitionId), options.TailPerPartition);
        }

        return found;
    }

    private void Add(IConsumer<byte[], byte[]> consumer, TopicPartition partition, int? tail)
    {
        var range = consumer.QueryWatermarkOffsets(partition, RequestTimeout);
        var start = tail is { } newest ? Math.Max(range.Low, range.High - newest) : range.Low.Value;
        Starts.Add(new TopicPartitionOffset(partition, start));
        if (range.High > start)
            Unread.Add(partition);
    }
}
