namespace EventStream.Embedded.Broker.Groups;

/// <summary>An offset that a group committed, with what the consumer wished to remember beside it.</summary>
internal readonly record struct CommittedOffset(long Offset, int LeaderEpoch, string? Metadata, long CommittedMs);

/// <summary>A partition by name and number.</summary>
internal readonly record struct TopicPartition(string Topic, int Partition);

/// <summary>
/// The offsets of one group: those that count, and those that an open transaction will make count. The lock of the
/// offset store guards them.
/// </summary>
internal sealed class GroupOffsets
{
    public Dictionary<TopicPartition, CommittedOffset> Committed { get; } = [];

    /// <summary>By producer id, the offsets that wait for the end of a transaction.</summary>
    public Dictionary<long, Dictionary<TopicPartition, CommittedOffset>> Pending { get; } = [];

    public bool IsPending(TopicPartition partition) => Pending.Values.Any(offsets => offsets.ContainsKey(partition));
}
