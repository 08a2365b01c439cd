namespace EventStream.Streams;

/// <summary>What a reader of the outputs may rely on.</summary>
public enum ProcessingGuarantee
{
    /// <summary>
    /// Outputs, state and input offsets become visible together or not at all: one transaction for each commit.
    /// </summary>
    ExactlyOnceV2,

    /// <summary>Offsets are committed after outputs: a crash may repeat outputs.</summary>
    AtLeastOnce,
}

/// <summary>How a topology runs.</summary>
public sealed record StreamsOptions
{
    /// <summary>
    /// How long a task with several inputs holds a record back to wait for an earlier one of another input.
    /// </summary>
    internal static readonly TimeSpan MergeWait = TimeSpan.FromMilliseconds(100);

    /// <summary>Consumer group, and prefix of the topics and transactions that belong to the application.</summary>
    public required string ApplicationId { get; init; }

    /// <summary>
    /// Distinguishes instances of the application. A restart under the same id takes its predecessor's partitions over,
    /// and aborts what that left open.
    /// </summary>
    public string InstanceId { get; init; } = Environment.MachineName;

    public ProcessingGuarantee ProcessingGuarantee { get; init; } = ProcessingGuarantee.ExactlyOnceV2;

    /// <summary>Time between commits; with exactly-once this is also how long readers wait for an output.</summary>
    public TimeSpan CommitInterval { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Threads in this process; each has a consumer, and a producer of its own.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>
    /// When all inputs of a task have been read to their end and nothing came for this long, its stream time follows
    /// the wall clock, this long behind it, so that the last windows close and an idle stream shows as one; null:
    /// stream time waits for the next record.
    /// </summary>
    public TimeSpan? IdleAdvance { get; init; }

    /// <summary>
    /// The coordinator aborts a transaction that is open for longer; bounds how long a dead instance blocks readers.
    /// </summary>
    public TimeSpan TransactionTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// A member that is silent for longer is taken out of the group. Also an instance that stops keeps its partitions
    /// for so long, in case it comes back.
    /// </summary>
    public TimeSpan SessionTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Records of one partition that go through the library as one; at least 1.</summary>
    public int BatchMax { get; init; } = 256;

    /// <summary>Records of changelogs that are read at a time while state is restored; at least 1.</summary>
    public int RestoreBatchMax { get; init; } = 100_000;

    /// <summary>How long one read waits for records; also the wait for a batch of changelog records.</summary>
    public TimeSpan PollWait { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>The transactional id of one thread of this instance.</summary>
    internal string TransactionalId(int thread) => $"{ApplicationId}-{InstanceId}-{thread}";
}
