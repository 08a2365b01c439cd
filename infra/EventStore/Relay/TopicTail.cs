using System.Globalization;
using Confluent.Kafka;
using EventStream.Messaging.Kafka;

namespace EventStream.EventStore.Relay;

/// <summary>The newest event of a partition that the relay wrote.</summary>
internal sealed record TailRecord(string Topic, int Partition, long Position, string EventId);

/// <summary>Reads the end of topics: what was relayed last, as the topics themselves say.</summary>
internal sealed class TopicTail(KafkaOptions kafka, string clientId)
{
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Offsets before the end that are looked at first; eight times as many where none of ours is among
    /// them.</summary>
    private const int WindowFirst = 64;

    private const int WindowGrowth = 8;

    /// <summary>
    /// For each partition that has one, the committed record with the largest position; replayed ones do not count.
    /// Throws <see cref="KafkaException"/> when the broker does not answer.
    /// </summary>
    public Task<List<TailRecord>> ReadAsync(IEnumerable<string> topics, CancellationToken cancellation) =>
        Task.Run(() => Read([.. topics.Distinct(StringComparer.Ordinal)], cancellation), cancellation);

    private List<TailRecord> Read(string[] topics, CancellationToken cancellation)
    {
        var config = kafka.ConsumerConfig(clientId, clientId);
        config.EnablePartitionEof = true;
        config.FetchWaitMaxMs = 10;
        using var consumer = new ConsumerBuilder<byte[], byte[]>(config)
            .SetLogHandler((_, _) => { })
            .SetErrorHandler((_, _) => { })
            .Build();
        using var admin = new DependentAdminClientBuilder(consumer.Handle).Build();
        var found = new List<TailRecord>();
        foreach (var topic in topics)
        {
            foreach (var partition in admin.GetMetadata(topic, RequestTimeout).Topics.Single().Partitions)
            {
                var last = Last(consumer, new TopicPartition(topic, partition.PartitionId), cancellation);
                if (last is not null)
                    found.Add(last);
            }
        }

        return found;
    }

    private static TailRecord? Last(
        IConsumer<byte[], byte[]> consumer,
        TopicPartition partition,
        CancellationToken cancellation
    )
    {
        var ends = consumer.QueryWatermarkOffsets(partition, RequestTimeout);
        for (long window = WindowFirst; ; window *= WindowGrowth)
        {
            var from = Math.Max(ends.Low.Value, ends.High.Value - window);
            if (from >= ends.High.Value)
                return null;
            if (Newest(consumer, new TopicPartitionOffset(partition, from), cancellation) is { } record)
                return record;
            if (from == ends.Low.Value)
                return null;
        }
    }

    private static TailRecord? Newest(
        IConsumer<byte[], byte[]> consumer,
        TopicPartitionOffset from,
        CancellationToken cancellation
    )
    {
        consumer.Assign(from);
        TailRecord? newest = null;
        while (true)
        {
            var read = consumer.Consume(cancellation);
            if (read.IsPartitionEOF)
                break;
            var headers = read.Message.Headers;
            if (CloudEvents.Text(headers, RelayRecords.Replay) is not null)
                continue;
            if (
                long.TryParse(
                    CloudEvents.Text(headers, RelayRecords.Position),
                    CultureInfo.InvariantCulture,
                    out var at
                )
                && CloudEvents.Text(headers, CloudEvents.Id) is { } id
                && at > (newest?.Position ?? 0)
            )
                newest = new TailRecord(from.Topic, from.Partition.Value, at, id);
        }

        consumer.Unassign();
        return newest;
    }
}
