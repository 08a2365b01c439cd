using System.Buffers.Binary;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Log;

/// <summary>
/// The sparse index of one segment: about every <c>index.interval.bytes</c> of log, the offset and position of a
/// batch and the greatest timestamp before it. Offsets, positions and timestamps all ascend, so the one list serves
/// offsets and times. It is written when the segment is sealed; a segment without a valid index file is walked again.
/// </summary>
internal sealed class SegmentIndex(int intervalBytes)
{
    private const uint Magic = 0x45534932;
    private const int EntryBytes = 24;
    private const int HeadBytes = 52;
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
    public long PositionBefore(long offset)
    {
        var (low, high) = (0, Volatile.Read(ref _count) - 1);
        var entries = Volatile.Read(ref _entries);
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            if (entries[middle].Offset <= offset)
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
    /// A position at or before the first batch whose greatest timestamp is at least <paramref name="timestampMs"/>.
    /// </summary>
    public long PositionBeforeTime(long timestampMs)
    {
        var (low, high) = (0, Volatile.Read(ref _count) - 1);
        var entries = Volatile.Read(ref _entries);
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            if (entries[middle].MaxTimestampBefore < timestampMs)
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
        var bytes = new byte[HeadBytes + _count * EntryBytes + 4];
        var span = bytes.AsSpan();
        BinaryPrimitives.WriteUInt32LittleEndian(span, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(span[4..], _count);
        BinaryPrimitives.WriteInt64LittleEndian(span[8..], segmentBytes);
        BinaryPrimitives.WriteInt64LittleEndian(span[16..], MaxTimestamp);
        BinaryPrimitives.WriteInt64LittleEndian(span[24..], FirstTimestamp);
        BinaryPrimitives.WriteInt64LittleEndian(span[32..], NextOffset);
        BinaryPrimitives.WriteInt32LittleEndian(span[40..], intervalBytes);
        BinaryPrimitives.WriteInt32LittleEndian(span[44..], isFlushed ? 1 : 0);
        for (var i = 0; i < _count; i++)
        {
            var entry = span[(HeadBytes + i * EntryBytes)..];
            BinaryPrimitives.WriteInt64LittleEndian(entry, _entries[i].Offset);
            BinaryPrimitives.WriteInt64LittleEndian(entry[8..], _entries[i].Position);
            BinaryPrimitives.WriteInt64LittleEndian(entry[16..], _entries[i].MaxTimestampBefore);
        }
        BinaryPrimitives.WriteUInt32LittleEndian(span[^4..], Crc32C.Compute(span[..^4]));
        WholeFile.Write(path, bytes);
    }

    /// <summary>
    /// Reads the index of a segment of exactly <paramref name="segmentBytes"/> bytes; null when it does not fit.
    /// </summary>
    public static SegmentIndex? Load(string path, long segmentBytes, out bool isFlushed)
    {
        isFlushed = false;
        if (!File.Exists(path))
        {
            return null;
        }
        ReadOnlySpan<byte> span = File.ReadAllBytes(path);
        if (
            span.Length < HeadBytes + 4
            || BinaryPrimitives.ReadUInt32LittleEndian(span) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(span[^4..]) != Crc32C.Compute(span[..^4])
            || BinaryPrimitives.ReadInt64LittleEndian(span[8..]) != segmentBytes
        )
        {
            return null;
        }
        isFlushed = BinaryPrimitives.ReadInt32LittleEndian(span[44..]) == 1;
        return Parse(span);
    }

    private static SegmentIndex Parse(ReadOnlySpan<byte> span)
    {
        var count = BinaryPrimitives.ReadInt32LittleEndian(span[4..]);
        var index = new SegmentIndex(BinaryPrimitives.ReadInt32LittleEndian(span[40..]))
        {
            _entries = new Entry[count],
            _count = count,
            MaxTimestamp = BinaryPrimitives.ReadInt64LittleEndian(span[16..]),
            FirstTimestamp = BinaryPrimitives.ReadInt64LittleEndian(span[24..]),
            NextOffset = BinaryPrimitives.ReadInt64LittleEndian(span[32..]),
        };
        for (var i = 0; i < count; i++)
        {
            var entry = span[(HeadBytes + i * EntryBytes)..];
            index._entries[i] = new Entry(
                BinaryPrimitives.ReadInt64LittleEndian(entry),
                BinaryPrimitives.ReadInt64LittleEndian(entry[8..]),
                BinaryPrimitives.ReadInt64LittleEndian(entry[16..])
            );
        }
        return index;
    }
}
