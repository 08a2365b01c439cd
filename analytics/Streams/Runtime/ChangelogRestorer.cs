using Confluent.Kafka;
using EventStream.Messaging.Kafka;

namespace EventStream.Streams.Runtime;

/// <summary>
/// Fills the stores of new tasks from their changelogs. It reads to the end that the topics had when it began, and
/// waits where a transaction of a predecessor is still open, so that no committed change is missed.
/// </summary>
internal sealed class ChangelogRestorer(StreamsOptions options, KafkaOptions kafka)
{
    private const int TriesMax = 20;
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Restores; throws <see cref="TimeoutException"/> when an open transaction does not end in time.
    /// </summary>
    public void Restore(IReadOnlyCollection<StreamTask> tasks, TimeProvider clock, CancellationToken cancellation)
    {
        var owners = tasks
            .SelectMany(task => task.Stores.Select(store => (task, store)))
            .ToDictionary(pair => new TopicPartition(
                StreamTask.ChangelogTopic(options.ApplicationId, pair.store),
                pair.task.Partition
            ));
        if (owners.Count == 0)
            return;
        using var consumer = Build();
        var ends = new Dictionary<TopicPartition, long>();
        foreach (var partition in owners.Keys)
        {
            var watermarks = Watermarks(consumer, partition, cancellation);
            if (watermarks.High > watermarks.Low)
                ends[partition] = watermarks.High.Value;
        }

        if (ends.Count == 0)
            return;
        consumer.Assign(ends.Keys.Select(partition => new TopicPartitionOffset(partition, Offset.Beginning)));
        var started = clock.GetTimestamp();
        while (ends.Count > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            if (clock.GetElapsedTime(started) > RestoreTimeout)
                throw new TimeoutException(
                    $"The changelogs {string.Join(", ", ends.Keys)} could not be read to their end."
                );
            var result = consumer.Consume(TimeSpan.FromMilliseconds(100));
            if (result is null)
                continue;
            if (!result.IsPartitionEOF)
            {
                var (task, store) = owners[result.TopicPartition];
                task.Restore(store, result.Message.Key, result.Message.Value);
            }
            else if (ends.TryGetValue(result.TopicPartition, out var end) && result.Offset.Value >= end)
            {
                ends.Remove(result.TopicPartition);
            }
        }

        consumer.Unassign();
    }

    /// <summary>
    /// Asks again while a partition has no leader, which a restarting broker or a new topic may cause.
    /// </summary>
    private static WatermarkOffsets Watermarks(
        IConsumer<byte[], byte[]> consumer,
        TopicPartition partition,
        CancellationToken cancellation
    )
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return consumer.QueryWatermarkOffsets(partition, RequestTimeout);
            }
            catch (KafkaException e) when (!e.Error.IsFatal && attempt < TriesMax)
            {
                cancellation.WaitHandle.WaitOne(RetryDelay);
                cancellation.ThrowIfCancellationRequested();
            }
        }
    }

    private TimeSpan RestoreTimeout => options.TransactionTimeout + TimeSpan.FromMinutes(4);

    private IConsumer<byte[], byte[]> Build()
    {
        var config = kafka.ConsumerConfig($"{options.ApplicationId}-restore", $"{options.ApplicationId}-restore");
        config.EnablePartitionEof = true;
        config.IsolationLevel =
            options.ProcessingGuarantee == ProcessingGuarantee.ExactlyOnceV2
                ? IsolationLevel.ReadCommitted
                : IsolationLevel.ReadUncommitted;
        return new ConsumerBuilder<byte[], byte[]>(config)
            .SetLogHandler((_, _) => { })
            .SetErrorHandler((_, _) => { })
            .Build();
    }
}
