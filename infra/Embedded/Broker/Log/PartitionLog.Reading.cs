using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Log;

/// <summary>What a read found: <see cref="NextOffset"/> is the offset after the last record of the bytes.</summary>
internal readonly record struct ReadResult(ErrorCode Error, int Bytes, long NextOffset);

internal sealed partial class PartitionLog
{
    /// <summary>
    /// Consumers that read on where they stopped skip the search; more of them than this share the places.
    /// </summary>
    private const int CursorsKept = 4;

    private readonly Cursor?[] _cursors = new Cursor?[CursorsKept];
    private int _nextCursor;

    private sealed record Cursor(long Offset, LogSegment Segment, long Position);

    /// <summary>
    /// Copies whole batches from the one that holds <paramref name="offset"/> on, up to <paramref name="maxBytes"/>,
    /// before <paramref name="endOffset"/>. With <paramref name="atLeastOne"/> a first batch larger than that is read
    /// all the same.
    /// </summary>
    public ReadResult Read(long offset, long endOffset, int maxBytes, bool atLeastOne, ResponseWriter into)
    {
        var start = into.Length;
        while (true)
        {
            if (offset < LogStart || offset > LogEnd)
            {
                return new ReadResult(ErrorCode.OffsetOutOfRange, 0, offset);
            }
            if (offset >= endOffset)
            {
                return new ReadResult(ErrorCode.None, 0, offset);
            }
            try
            {
                return Locate(offset) is { } cursor
                    ? ReadFrom(cursor, endOffset, maxBytes, atLeastOne, into)
                    : new ReadResult(ErrorCode.None, 0, offset);
            }
            catch (ObjectDisposedException)
            {
                // Between the look-up and the read, retention removed the segment, so that the offset is out of range
                // now, or compaction replaced it, so that the offset is found elsewhere.
                into.Truncate(start);
                if (_closed)
                {
                    return new ReadResult(ErrorCode.UnknownTopicOrPartition, 0, offset);
                }
            }
        }
    }

    /// <summary>
    /// The first record whose timestamp is at least <paramref name="timestampMs"/>; null when there is none.
    /// </summary>
    public (long Offset, long TimestampMs)? FindByTime(long timestampMs)
    {
        while (true)
        {
            try
            {
                return FindByTimeOnce(timestampMs);
            }
            catch (ObjectDisposedException) when (!_closed)
            {
                // Retention or compaction took a segment away during the search, which starts again.
            }
            catch (ObjectDisposedException)
            {
                return null;
            }
        }
    }

    private (long Offset, long TimestampMs)? FindByTimeOnce(long timestampMs)
    {
        foreach (var segment in _segments)
        {
            if (segment.Index.MaxTimestamp < timestampMs)
            {
                continue;
            }
            using var scanner = segment.Scan(segment.Index.PositionBeforeTime(timestampMs), segment.Size);
            while (scanner.MoveNext())
            {
                var batch = scanner.Current;
                if (
                    batch.MaxTimestamp >= timestampMs
                    && batch.LastOffset >= LogStart
                    && batch.HasRecords
                    && RecordTimes.FirstAtOrAfter(scanner.CurrentBytes(), batch, timestampMs, LogStart) is { } found
                )
                {
                    return found;
                }
            }
        }
        return null;
    }

    /// <summary>The first record with the greatest timestamp of the log; null when the log is empty.</summary>
    public (long Offset, long TimestampMs)? FindMaxTimestamp()
    {
        var greatest = _segments.Max(segment => segment.Index.MaxTimestamp);
        return greatest < 0 ? null : FindByTime(greatest);
    }

    public void CollectAborted(long from, long to, List<AbortedTransaction> into)
    {
        lock (_gate)
        {
            _producers.CollectAborted(from, to, into);
        }
    }

    private Cursor? Locate(long offset)
    {
        foreach (var cursor in _cursors)
        {
            if (
                cursor is not null
                && cursor.Offset == offset
                && cursor.Position < cursor.Segment.Size
                && !cursor.Segment.IsClosed
            )
            {
                return cursor;
            }
        }
        var segments = _segments;
        for (var i = SegmentOf(segments, offset); i < segments.Length; i++)
        {
            var position = segments[i].FindPosition(offset);
            if (position < segments[i].Size)
            {
                return new Cursor(offset, segments[i], position);
            }
        }
        return null;
    }

    /// <summary>The segment that the offset lies in, or else the first.</summary>
    private static int SegmentOf(LogSegment[] segments, long offset) =>
        Math.Max(Array.FindLastIndex(segments, segment => segment.BaseOffset <= offset), 0);

    private ReadResult ReadFrom(Cursor cursor, long endOffset, int maxBytes, bool atLeastOne, ResponseWriter into)
    {
        var start = into.Length;
        var want = (int)Math.Min(Math.Max(maxBytes, BatchHeader.Size), cursor.Segment.Size - cursor.Position);
        var got = cursor.Segment.Read(cursor.Position, into.Grow(want));
        var whole = WholeBatches(into.From(start)[..got], endOffset, out var next);
        if (whole == 0 && atLeastOne && got >= BatchHeader.Size)
        {
            want = BatchHeader.ReadTotalBytes(into.From(start));
            into.Truncate(start);
            got = cursor.Segment.Read(cursor.Position, into.Grow(want));
            whole = WholeBatches(into.From(start)[..got], endOffset, out next);
        }
        into.Truncate(start + whole);
        if (whole == 0)
        {
            return new ReadResult(ErrorCode.None, 0, cursor.Offset);
        }
        _cursors[(uint)Interlocked.Increment(ref _nextCursor) % CursorsKept] = new Cursor(
            next,
            cursor.Segment,
            cursor.Position + whole
        );
        return new ReadResult(ErrorCode.None, whole, next);
    }

    private static int WholeBatches(ReadOnlySpan<byte> bytes, long endOffset, out long nextOffset)
    {
        var whole = 0;
        nextOffset = -1;
        while (bytes.Length - whole >= BatchHeader.Size)
        {
            var batch = bytes[whole..];
            var total = BatchHeader.ReadTotalBytes(batch);
            if (total < BatchHeader.Size || total > batch.Length || BatchHeader.ReadBaseOffset(batch) >= endOffset)
            {
                break;
            }
            nextOffset = BatchHeader.ReadLastOffset(batch) + 1;
            whole += total;
        }
        return whole;
    }
}
