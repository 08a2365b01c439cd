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
    /// Keys of one partition that are handled beside each other; 1 keeps the order of the whole partition. Above 1 the
    /// order is kept per key, and only the part of the partition without gaps is committed.
    /// </summary>
    public int KeyConcurrencyMax { get; init; } = 1;

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

    /// <summary>
    /// Throws <see cref="ArgumentException"/> naming the option that is out of its range; else returns them.
    /// </summary>
    public static ConsumerOptions Checked(ConsumerOptions options)
    {
        void Require(bool holds, string sentence)
        {
            if (!holds)
                throw new ArgumentException($"Options of the consumer '{options.Group}': {sentence}.", nameof(options));
        }

        Require(options.Group.Length > 0, "Group names the consumer group and must not be empty");
        Require(options.Topics.Count > 0, "Topics must name a topic");
        Require(options.QueueDepthMax > 0, "QueueDepthMax must be at least 1");
        Require(options.QueueBytesMax > 0, "QueueBytesMax must be at least 1");
        Require(options.KeyConcurrencyMax > 0, "KeyConcurrencyMax must be at least 1");
        Require(options.ConcurrencyMax > 0, "ConcurrencyMax must be at least 1");
        Require(options.RetriesMax >= 0, "RetriesMax must not be negative");
        Require(options.RetryDelay >= TimeSpan.Zero, "RetryDelay must not be negative");
        Require(options.RetryDelayMax >= options.RetryDelay, "RetryDelayMax must not be shorter than RetryDelay");
        Require(options.DrainTimeout >= TimeSpan.Zero, "DrainTimeout must not be negative");
        return options;
    }
}
