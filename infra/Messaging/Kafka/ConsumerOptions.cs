using EventStream.Contracts;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// What becomes of a record that cannot be read, or that the handler could not process after its retries.
/// </summary>
public enum BadRecordPolicy
{
    /// <summary>Stop the consumer; the role turns not ready.</summary>
    Stop,

    /// <summary>Count it, publish it to <c>dead.letters</c> with cause and origin, and go on.</summary>
    DeadLetter,

    /// <summary>Count it and go on. For readers whose read model can do without it.</summary>
    Continue,
}

/// <summary>What a consumer reads and how.</summary>
public sealed record ConsumerOptions(string Group, IReadOnlyList<Topic> Topics)
{
    public BadRecordPolicy BadRecords { get; init; } = BadRecordPolicy.DeadLetter;

    /// <summary>
    /// Records of one partition that are read and not yet processed; at that depth the partition is paused.
    /// </summary>
    public int QueueDepthMax { get; init; } = 256;

    /// <summary>Bytes of the same; a single record may be larger.</summary>
    public long QueueBytesMax { get; init; } = 4 * 1024 * 1024;

    /// <summary>
    /// Records of the same consumer handled at once; 1 makes the handler single-threaded over all partitions.
    /// </summary>
    public int ConcurrencyMax { get; init; } = 8;

    /// <summary>How often a handler that throws is asked again before the record counts as bad.</summary>
    public int RetriesMax { get; init; } = 5;

    /// <summary>
    /// Wait before the first retry; it doubles with each up to <see cref="RetryDelayMax"/>. Up to half of each wait is
    /// left to chance, so that those who failed together do not come back together.
    /// </summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest wait between two tries.</summary>
    public TimeSpan RetryDelayMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often processed offsets are committed.</summary>
    public TimeSpan CommitInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Time that records in hand have to end when their partition goes to another member or the role stops; those that
    /// take longer are cancelled and delivered again. Zero cancels at once.
    /// </summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Read every partition from the beginning at each start, without a group: for read models that live in memory.
    /// Nothing is committed, and <see cref="EventConsumer.CaughtUp"/> says when the records that were there at the
    /// start are processed.
    /// </summary>
    public bool FromBeginning { get; init; }

    /// <summary>
    /// With <see cref="FromBeginning"/>: only the newest records of each partition, at most this many; null reads
    /// all.
    /// </summary>
    public int? TailPerPartition { get; init; }
}
