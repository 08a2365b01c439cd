using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Log;

/// <summary>
/// The sparse index of one segment: about every <c>index.interval.bytes</c> of log, the offset and position of a
/// batch and the greatest timestamp before it. Offsets, positions and timestamps all ascend, so the one list serves
/// offsets and times. It is written when the segment is sealed; a segment without a valid index file is walked again.
/// </summary>
internal sealed class SegmentIndex(int intervalBytes)
{
    private const int Magic = 0x45534933;
    private const int HeadBytes = 45;
    private Entry[] _entries = [];
    private int _count;

    private readonly record struct Entry(long Offset, long Position, long MaxTimestampBefore);

    /// <summary>
    /// The greatest timestamp of the first batch, which gives the age of the segment; -1 for none.
    /// </summary>
    public long FirstTimestamp { get; private set; } = -1;

    public long MaxTimestamp { get; private set; } = -1;

    public long NextOffset { get; private set; } = -1;

    /// <summary>Takes note of a batch that was appended at <paramref name="position"/>.</summary>
    public void Add(in BatchHeader batch, long baseOffset, long position)
    {
        if (_count == 0 || position - _entries[_count - 1].Position >= intervalBytes)
        {
            if (_count == _entries.Length)
            {
                Array.Resize(ref _entries, Math.Max(16, _count * 2));
            }
            _entries[_count] = new Entry(baseOffset, position, MaxTimestamp);
            Volatile.Write(ref _count, _count + 1);
        }
        FirstTimestamp = NextOffset < 0 ? batch.MaxTimestamp : FirstTimestamp;
        MaxTimestamp = Math.Max(MaxTimestamp, batch.MaxTimestamp);
        NextOffset = baseOffset + batch.LastOffsetDelta + 1;
    }

    /// <summary>A position at or before the batch that holds the offset.</summary>
    public long PositionBefore(long offset) => PositionOfLast(offset, static (entry, sought) => entry.Offset <= sought);

    /// <summary>
    /// A position at or before the first batch whose greatest timestamp is at least <paramref name="timestampMs"/>.
    /// </summary>
    public long PositionBeforeTime(long timestampMs) =>
        PositionOfLast(timestampMs, static (entry, sought) => entry.MaxTimestampBefore < sought);

    /// <summary>The position of the last of the entries that all lie before what is sought; 0 when none does.</summary>
    private long PositionOfLast(long sought, Func<Entry, long, bool> isBefore)
    {
        var (low, high) = (0, Volatile.Read(ref _count) - 1);
        var entries = Volatile.Read(ref _entries);
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            if (isBefore(entries[middle], sought))
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }
        return high < 0 ? 0 : entries[high].Position;
    }

    /// <summary>
    /// Writes the index beside its sealed segment of <paramref name="segmentBytes"/> bytes, and whether these have
    /// reached the disk.
    /// </summary>
    public void Save(string path, long segmentBytes, bool isFlushed)
    {
        using var writer = new ResponseWriter();
        writer.WriteInt32(Magic);
        writer.WriteInt64(segmentBytes);
        writer.WriteBoolean(isFlushed);
        writer.WriteInt32(intervalBytes);
        writer.WriteInt64(FirstTimestamp);
        writer.WriteInt64(MaxTimestamp);
        writer.WriteInt64(NextOffset);
        writer.WriteInt32(_count);
        foreach (var entry in _entries.AsSpan(0, _count))
        {
            writer.WriteInt64(entry.Offset);
            writer.WriteInt64(entry.Position);
            writer.WriteInt64(entry.MaxTimestampBefore);
        }
        WholeFile.WriteChecked(path, writer);
    }

    /// <summary>
    /// Reads the index of a segment of exactly <paramref name="segmentBytes"/> bytes; null when it does not fit.
    /// </summary>
    public static SegmentIndex? Load(string path, long segmentBytes, out bool isFlushed)
    {
        isFlushed = false;
        if (
            WholeFile.ReadChecked(path) is not { Remaining: >= HeadBytes } reader
            || reader.ReadInt32() != Magic
            || reader.ReadInt64() != segmentBytes
        )
        {
            return null;
        }
        isFlushed = reader.ReadBoolean();
        var index = new SegmentIndex(reader.ReadInt32())
        {
            FirstTimestamp = reader.ReadInt64(),
            MaxTimestamp = reader.ReadInt64(),
            NextOffset = reader.ReadInt64(),
        };
        index._entries = new Entry[reader.ReadInt32()];
        index._count = index._entries.Length;
        for (var i = 0; i < index._count; i++)
        {
            index._entries[i] = new Entry(reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64());
        }
        return index;
    }
}
