using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.Logging;

namespace EventStream.Warehouse.Sink;

/// <summary>The log of a partition does not reach the offset that the warehouse already holds.</summary>
public sealed class LogReplacedException(TopicPartition partition, long end, long next)
    : Exception(
        $"{partition.Topic} {partition.Partition.Value} ends at {end} and the warehouse holds it up to {next}: "
            + "the broker's data was replaced. Use the broker that belongs to this warehouse, or begin "
            + "with an empty one."
    );

/// <summary>
/// Reads the topics for the sink: all partitions, at positions that the ledger gives. It takes part in no consumer
/// group, for positions belong to the warehouse, which then can be rebuilt, or restored, on its own.
/// </summary>
public sealed partial class SinkReader : IDisposable
{
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(10);

    private readonly IConsumer<byte[], byte[]> consumer;

    public SinkReader(KafkaOptions options, ILogger logger)
    {
        var config = options.ConsumerConfig("eventstream-warehouse", "warehouse");
        config.EnablePartitionEof = true;
        consumer = new ConsumerBuilder<byte[], byte[]>(config)
            .SetLogHandler((_, message) => ClientMessage(logger, message.Message))
            .SetErrorHandler((_, error) => ClientMessage(logger, error.Reason))
            .Build();
    }

    /// <summary>Partitions of the topics, as the broker has them. Throws <see cref="KafkaException"/>.</summary>
    public IReadOnlyList<TopicPartition> Partitions(IReadOnlyList<Topic> topics)
    {
        using var admin = new DependentAdminClientBuilder(consumer.Handle).Build();
        var metadata = admin.GetMetadata(RequestTimeout);
        var wanted = topics.Select(topic => topic.Name).ToHashSet(StringComparer.Ordinal);
        return
        [
            .. metadata
                .Topics.Where(topic => wanted.Contains(topic.Topic))
                .SelectMany(topic =>
                    topic.Partitions.Select(partition => new TopicPartition(topic.Topic, partition.PartitionId))
                ),
        ];
    }

    /// <summary>
    /// Begins to read at the given offsets; a partition without one is read from its beginning. Returns the offsets,
    /// corrected where retention has passed them. Throws <see cref="LogReplacedException"/> and
    /// <see cref="KafkaException"/>.
    /// </summary>
    public IReadOnlyDictionary<TopicPartition, long> Begin(
        IReadOnlyList<TopicPartition> partitions,
        IReadOnlyDictionary<TopicPartition, long> next
    )
    {
        var positions = new Dictionary<TopicPartition, long>();
        foreach (var partition in partitions)
        {
            var log = consumer.QueryWatermarkOffsets(partition, RequestTimeout);
            var position = next.GetValueOrDefault(partition);
            if (position > log.High.Value)
                throw new LogReplacedException(partition, log.High.Value, position);
            positions[partition] = Math.Max(position, log.Low.Value);
        }

        consumer.Assign(positions.Select(pair => new TopicPartitionOffset(pair.Key, pair.Value)));
        return positions;
    }

    /// <summary>
    /// The next record, or null when none came within the time. Throws <see cref="ConsumeException"/>.
    /// </summary>
    public ConsumeResult<byte[], byte[]>? Next(TimeSpan timeout)
    {
        var result = consumer.Consume(timeout);
        return result is null || result.IsPartitionEOF ? null : result;
    }

    /// <summary>The end of a partition's log as of the last fetch, or -1 where it is not known yet.</summary>
    public long EndOf(TopicPartition partition) =>
        consumer.GetWatermarkOffsets(partition) is { High: { IsSpecial: false } high } ? high.Value : -1;

    /// <summary>
    /// Reads exactly the records of the ranges that the log still holds. Throws <see cref="LogReplacedException"/>,
    /// <see cref="KafkaException"/> and <see cref="OperationCanceledException"/>.
    /// </summary>
    public IEnumerable<SinkRecord> Read(IReadOnlyList<OffsetRange> ranges, CancellationToken cancellation)
    {
        var from = ranges.ToDictionary(range => range.Partition, range => range.First);
        var waiting = ranges.ToDictionary(range => range.Partition, range => range.Last);
        foreach (var (partition, first) in Begin([.. from.Keys], from))
        {
            if (first > waiting[partition])
                waiting.Remove(partition);
        }

        while (waiting.Count > 0)
        {
            var result = consumer.Consume(cancellation);
            if (!waiting.TryGetValue(result.TopicPartition, out var last))
                continue;
            if (!result.IsPartitionEOF && result.Offset.Value <= last)
                yield return SinkRecord.From(result);
            if (result.Offset.Value >= last)
                waiting.Remove(result.TopicPartition);
        }
    }

    public void Dispose()
    {
        consumer.Close();
        consumer.Dispose();
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Kafka client: {Text}")]
    private static partial void ClientMessage(ILogger logger, string text);
}
