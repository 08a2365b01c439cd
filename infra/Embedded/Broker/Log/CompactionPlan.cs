namespace EventStream.Embedded.Broker.Log;

/// <summary>The bounds of compaction, from the broker's options.</summary>
/// <param name="KeysMax">The keys that one pass remembers; 36 to 72 bytes each.</param>
/// <param name="UnpackedBytesMax">A batch that unpacks to more is kept whole.</param>
internal sealed record CompactionLimits(int KeysMax, int UnpackedBytesMax)
{
    public static readonly CompactionLimits Default = new(1_000_000, 64 * 1024 * 1024);
}

/// <summary>What a compaction did. Bytes are those of the segments that it read and wrote.</summary>
internal readonly record struct CompactionResult(
    int Passes,
    long BytesBefore,
    long BytesAfter,
    long RecordsRemoved,
    long BatchesUnread
)
{
    public CompactionResult Add(CompactionResult other) =>
        new(
            Passes + other.Passes,
            BytesBefore + other.BytesBefore,
            BytesAfter + other.BytesAfter,
            RecordsRemoved + other.RecordsRemoved,
            BatchesUnread + other.BatchesUnread
        );
}

/// <summary>A segment and the offset at which the next one begins.</summary>
internal readonly record struct PlannedSegment(LogSegment Segment, long End);

/// <summary>
/// What one pass works on, as of one moment: complete segments from the start of the log to before <see cref="End"/>,
/// of
/// which those from <see cref="DirtyFrom"/> on were never compacted. All their transactions are decided.
/// </summary>
internal sealed record CompactionPlan(
    IReadOnlyList<PlannedSegment> Segments,
    long DirtyFrom,
    long NowMs,
    TopicConfig Config,
    IReadOnlyList<AbortedTransaction> Aborted,
    IReadOnlyDictionary<long, (short Epoch, long? LastDataOffset)> LastOfProducers
)
{
    public long End => Segments[^1].End;
}
