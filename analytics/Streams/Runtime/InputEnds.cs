using Confluent.Kafka;

namespace EventStream.Streams.Runtime;

/// <summary>
/// Which inputs have been read to their end. The consumer says so once, when it gets there; before time is moved
/// without records the broker is asked whether that still holds, because an input that cannot be read is not one at
/// its end.
/// </summary>
internal sealed class InputEnds(IConsumer<byte[], byte[]> consumer, TimeProvider clock)
{
    private static readonly TimeSpan AskInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(1);
    private readonly Dictionary<TopicPartition, Offset> ends = [];
    private readonly HashSet<TopicPartition> confirmed = [];
    private long? askedAt;

    public void Reached(ConsumeResult<byte[], byte[]> end) => ends[end.TopicPartition] = end.Offset;

    public void Left(TopicPartition partition)
    {
        ends.Remove(partition);
        confirmed.Remove(partition);
    }

    /// <summary>Whether the consumer has got to the end of an input, the marks of transactions included.</summary>
    public bool Has(TopicPartition partition) => ends.ContainsKey(partition);

    public void Clear()
    {
        ends.Clear();
        confirmed.Clear();
        askedAt = null;
    }

    /// <summary>Whether all that was written to the inputs has been read.</summary>
    public bool Are(IEnumerable<TopicPartition> inputs)
    {
        var all = inputs.ToList();
        if (!all.TrueForAll(ends.ContainsKey))
            return false;
        if (askedAt is not { } asked || clock.GetElapsedTime(asked) >= AskInterval)
            Ask();
        return all.TrueForAll(confirmed.Contains);
    }

    /// <summary>
    /// An offset that commits nothing new. A commit of outputs alone carries it, so that the broker refuses an
    /// instance that has lost its partitions without noticing.
    /// </summary>
    public IReadOnlyList<TopicPartitionOffset> Standing() =>
        ends.Take(1).Select(end => new TopicPartitionOffset(end.Key, end.Value)).ToList();

    private void Ask()
    {
        confirmed.Clear();
        try
        {
            foreach (var (partition, end) in ends)
            {
                if (consumer.QueryWatermarkOffsets(partition, AskTimeout).High <= end)
                    confirmed.Add(partition);
            }
        }
        catch (KafkaException)
        {
            // One that does not answer would hold the others up; all are asked again.
            confirmed.Clear();
        }

        askedAt = clock.GetTimestamp();
    }
}
