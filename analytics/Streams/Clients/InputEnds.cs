using Confluent.Kafka;

namespace EventStream.Streams.Clients;

/// <summary>
/// Says what stream time is while nothing comes: it follows the wall clock once a task's inputs are read to their end
/// and have been silent for a while. The consumer reports an end once, when it gets there; before time moves the broker
/// is asked whether that still holds, because an input that cannot be read is not one at its end.
/// </summary>
internal sealed class InputEnds(StreamScope scope) : IIdleTime
{
    private static readonly TimeSpan AskInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(1);

    // Each stream thread has its own consumer and partitions, and comes here from its own callbacks.
    private readonly System.Collections.Concurrent.ConcurrentDictionary<TopicPartition, Input> inputs = new();

    /// <summary>A consumer was given partitions; they are read from the next record or end on.</summary>
    public void Assigned(IConsumer<byte[], byte[]> consumer, IEnumerable<TopicPartition> partitions)
    {
        foreach (var partition in partitions)
            inputs[partition] = new Input(consumer, scope.Clock.GetTimestamp());
    }

    public void Revoked(IEnumerable<TopicPartition> partitions)
    {
        foreach (var partition in partitions)
            inputs.TryRemove(partition, out _);
    }

    public void Reached(TopicPartitionOffset end)
    {
        if (inputs.TryGetValue(end.TopicPartition, out var input))
            (input.End, input.AskedAt) = (end.Offset, null);
    }

    public void Read(TopicPartition partition)
    {
        if (inputs.TryGetValue(partition, out var input))
            (input.End, input.LastReadAt) = (null, scope.Clock.GetTimestamp());
    }

    /// <summary>Reading failed, so that what was known of the ends may be wrong.</summary>
    public void Unknown(IConsumer<byte[], byte[]> consumer)
    {
        foreach (var input in inputs.Values.Where(input => ReferenceEquals(input.Consumer, consumer)))
            input.AskedAt = null;
    }

    /// <summary>Whether all of a partition is read, the marks of transactions included.</summary>
    public bool IsAtEnd(TopicPartition partition) =>
        inputs.TryGetValue(partition, out var input) && input.End is not null;

    /// <summary>
    /// An offset that commits nothing new: of an input that is read, and processed for a while. A commit of outputs
    /// alone carries it, so that the broker refuses an instance that has lost its partitions without noticing.
    /// </summary>
    public TopicPartitionOffset? Standing(BatchingConsumer consumer) =>
        inputs
            .Where(input => ReferenceEquals(input.Value.Consumer, consumer.Client) && Silence(input.Value) >= Patience)
            .Where(input => input.Value.End is not null)
            .Select(input => new TopicPartitionOffset(input.Key, input.Value.End!.Value))
            .FirstOrDefault();

    public DateTimeOffset? Of(IReadOnlyList<string> topics, int partition, DateTimeOffset? lastRecord)
    {
        if (scope.Options.IdleAdvance is null || !scope.Restore.IsDone(partition))
            return null;
        var silence = TimeSpan.MaxValue;
        foreach (var topic in topics)
        {
            if (!inputs.TryGetValue(new TopicPartition(topic, partition), out var input) || input.End is null)
                return null;
            var own = Silence(input);
            silence = own < silence ? own : silence;
        }

        if (silence < Patience || !topics.All(topic => IsConfirmed(new TopicPartition(topic, partition))))
            return null;
        var now = scope.Clock.GetUtcNow() - Patience;
        return lastRecord is { } last && last + silence > now ? last + silence : now;
    }

    /// <summary>Longer than the library holds a record back to wait for one of another input.</summary>
    private TimeSpan Patience =>
        scope.Options.IdleAdvance is { } patience && patience > 2 * StreamsOptions.MergeWait
            ? patience
            : 2 * StreamsOptions.MergeWait;

    private TimeSpan Silence(Input input) => scope.Clock.GetElapsedTime(input.LastReadAt);

    private bool IsConfirmed(TopicPartition partition)
    {
        if (!inputs.TryGetValue(partition, out var input) || input.End is not { } end)
            return false;
        if (input.AskedAt is { } asked && scope.Clock.GetElapsedTime(asked) < AskInterval)
            return input.Confirmed;
        input.AskedAt = scope.Clock.GetTimestamp();
        try
        {
            input.Confirmed = input.Consumer.QueryWatermarkOffsets(partition, AskTimeout).High <= end;
        }
        catch (KafkaException)
        {
            input.Confirmed = false;
        }

        return input.Confirmed;
    }

    private sealed class Input(IConsumer<byte[], byte[]> consumer, long assignedAt)
    {
        public IConsumer<byte[], byte[]> Consumer => consumer;

        public long LastReadAt { get; set; } = assignedAt;

        public Offset? End { get; set; }

        public long? AskedAt { get; set; }

        public bool Confirmed { get; set; }
    }
}
