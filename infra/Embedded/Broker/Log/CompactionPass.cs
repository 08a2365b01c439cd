using EventStream.Embedded.Broker.Compression;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Log;

/// <summary>
/// One pass of compaction: learns the last offset of every key in the part that was never compacted, then copies the
/// segments from the start of the log on and leaves out what has no use any more - records with a later record of the
/// same key, aborted records, tombstones and markers beyond their delete horizon. Offsets stay as they are. A batch
/// that cannot be unpacked is kept whole.
/// </summary>
internal sealed class CompactionPass(CompactionPlan plan, CompactionLimits limits, Func<bool> isStopped) : IDisposable
{
    private readonly ResponseWriter _unpacked = new() { BytesMax = limits.UnpackedBytesMax };
    private readonly BatchRewriter _rewriter = new();
    private readonly CleanedTransactions _transactions = new(plan.Aborted);
    private KeyOffsets _keys = new(0);
    private long _recordsRemoved;
    private long _batchesUnread;

    /// <summary>
    /// The offsets of the markers of aborted transactions that were left out since this was last cleared.
    /// </summary>
    public HashSet<long> RemovedMarkers { get; } = [];

    public long RecordsRemoved => _recordsRemoved;

    public long BatchesUnread => _batchesUnread;

    /// <summary>
    /// Reads the keys; returns the offset up to which they were read, short of the end when they are many.
    /// </summary>
    /// <exception cref="InvalidDataException">A segment is damaged.</exception>
    public long ReadKeys()
    {
        _keys = new KeyOffsets((int)Math.Min(limits.KeysMax, plan.End - plan.DirtyFrom)) { End = plan.End };
        var transactions = new CleanedTransactions(plan.Aborted.Where(a => a.LastOffset >= plan.DirtyFrom));
        foreach (var (segment, end) in plan.Segments)
        {
            if (end > plan.DirtyFrom && !ReadKeys(segment, transactions))
            {
                break;
            }
        }
        return _keys.End;
    }

    /// <summary>The segments in which something may have been superseded.</summary>
    public IReadOnlyList<PlannedSegment> Segments => [.. plan.Segments.Where(s => s.Segment.BaseOffset < _keys.End)];

    /// <summary>Copies what is left of a segment; segments come in order.</summary>
    /// <exception cref="InvalidDataException">The segment is damaged.</exception>
    public void Clean(LogSegment segment, CleanedSegment into)
    {
        using var scanner = Scan(segment, 0);
        while (MoveNext(scanner, segment))
        {
            Clean(scanner.Current, scanner.CurrentBytes(), into);
        }
    }

    public void Dispose()
    {
        _unpacked.Dispose();
        _rewriter.Dispose();
    }

    private static BatchScanner Scan(LogSegment segment, long position) => segment.Scan(position, segment.Size);

    private bool MoveNext(BatchScanner scanner, LogSegment segment)
    {
        ObjectDisposedException.ThrowIf(isStopped(), this);
        if (scanner.MoveNext())
        {
            return true;
        }
        return scanner.EndPosition == segment.Size
            ? false
            : throw new InvalidDataException(
                $"The segment at offset {segment.BaseOffset} is damaged at byte {scanner.EndPosition}."
            );
    }

    private bool ReadKeys(LogSegment segment, CleanedTransactions transactions)
    {
        using var scanner = Scan(segment, segment.Index.PositionBefore(plan.DirtyFrom));
        while (MoveNext(scanner, segment))
        {
            var batch = scanner.Current;
            if (batch.LastOffset < plan.DirtyFrom)
            {
                continue;
            }
            if (batch.IsControl)
            {
                transactions.PassMarker(batch, ControlBatch.IsCommit(scanner.CurrentBytes()));
            }
            else if (batch.IsTransactional && transactions.PassData(batch))
            {
                // What was aborted supersedes nothing.
                continue;
            }
            else if (!PutKeys(batch, scanner.CurrentBytes()))
            {
                return false;
            }
        }
        return true;
    }

    private bool PutKeys(in BatchHeader batch, ReadOnlySpan<byte> bytes)
    {
        if (!TryUnpack(batch, bytes, out var records))
        {
            return true;
        }
        var reader = new RecordReader(records, batch.RecordCount);
        while (reader.MoveNext())
        {
            var offset = batch.BaseOffset + reader.OffsetDelta;
            if (reader.HasKey && offset >= plan.DirtyFrom && !_keys.TryPut(reader.Key, offset))
            {
                _keys.End = offset;
                return false;
            }
        }
        return true;
    }

    private void Clean(in BatchHeader batch, ReadOnlySpan<byte> bytes, CleanedSegment into)
    {
        if (batch.IsControl)
        {
            CleanMarker(batch, bytes, into);
        }
        else if (batch.IsTransactional && _transactions.PassData(batch))
        {
            _recordsRemoved += batch.RecordCount;
            KeepEmptyIfLast(batch, bytes, into);
        }
        else if (batch.RecordCount == 0)
        {
            KeepEmptyIfLast(batch, bytes, into);
        }
        else
        {
            CleanRecords(batch, bytes, into);
        }
    }

    private void CleanMarker(in BatchHeader batch, ReadOnlySpan<byte> bytes, CleanedSegment into)
    {
        var commit = ControlBatch.IsCommit(bytes);
        var isIdle = _transactions.PassMarker(batch, commit);
        if (isIdle && IsBeyondHorizon(batch))
        {
            if (!commit)
            {
                RemovedMarkers.Add(batch.LastOffset);
            }
            KeepEmptyIfLast(batch, bytes, into);
        }
        else if (isIdle && !batch.HasDeleteHorizon && batch.RecordCount > 0)
        {
            _rewriter.Begin(batch, HorizonMs);
            var reader = new RecordReader(bytes[BatchHeader.Size..], batch.RecordCount);
            while (reader.MoveNext())
            {
                _rewriter.Keep(reader);
            }
            into.Add(_rewriter.End(bytes));
        }
        else
        {
            into.Add(bytes);
        }
    }

    private void CleanRecords(in BatchHeader batch, ReadOnlySpan<byte> bytes, CleanedSegment into)
    {
        if (!TryUnpack(batch, bytes, out var records))
        {
            _batchesUnread++;
            into.Add(bytes);
            return;
        }
        var (kept, hasTombstone) = Count(batch, records);
        var setsHorizon = hasTombstone && !batch.HasDeleteHorizon;
        _recordsRemoved += batch.RecordCount - kept;
        if (kept == 0)
        {
            KeepEmptyIfLast(batch, bytes, into);
        }
        else if (kept == batch.RecordCount && !setsHorizon)
        {
            into.Add(bytes);
        }
        else
        {
            _rewriter.Begin(batch, setsHorizon ? HorizonMs : null);
            var reader = new RecordReader(records, batch.RecordCount);
            while (reader.MoveNext())
            {
                if (Stays(batch, reader))
                {
                    _rewriter.Keep(reader);
                }
            }
            into.Add(_rewriter.End(bytes));
        }
    }

    private (int Kept, bool HasTombstone) Count(in BatchHeader batch, ReadOnlySpan<byte> records)
    {
        var (kept, hasTombstone) = (0, false);
        var reader = new RecordReader(records, batch.RecordCount);
        while (reader.MoveNext())
        {
            if (Stays(batch, reader))
            {
                kept++;
                hasTombstone |= !reader.HasValue;
            }
        }
        return (kept, hasTombstone);
    }

    private bool Stays(in BatchHeader batch, in RecordReader record)
    {
        var offset = batch.BaseOffset + record.OffsetDelta;
        if (offset >= _keys.End)
        {
            return true;
        }
        return record.HasKey && (record.HasValue || !IsBeyondHorizon(batch)) && !_keys.IsSuperseded(record.Key, offset);
    }

    private long HorizonMs => plan.NowMs + plan.Config.DeleteRetentionMs;

    private bool IsBeyondHorizon(in BatchHeader batch) => batch.HasDeleteHorizon && batch.BaseTimestamp <= plan.NowMs;

    /// <summary>
    /// The last batch of a producer stays without its records, so that a restart finds the sequence to go on from.
    /// </summary>
    private void KeepEmptyIfLast(in BatchHeader batch, ReadOnlySpan<byte> bytes, CleanedSegment into)
    {
        if (
            plan.LastOfProducers.TryGetValue(batch.ProducerId, out var last)
            && (
                last.LastDataOffset is { } offset
                    ? offset == batch.LastOffset
                    : batch.IsControl && last.Epoch == batch.ProducerEpoch
            )
        )
        {
            into.Add(_rewriter.Empty(batch, bytes));
        }
    }

    private bool TryUnpack(in BatchHeader batch, ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> records)
    {
        records = bytes[BatchHeader.Size..];
        if (batch.Codec != Codec.None)
        {
            if (Codec.Unpack(batch.Codec, records, _unpacked) != Unpacking.Whole)
            {
                return false;
            }
            records = _unpacked.Written.Span;
        }
        var reader = new RecordReader(records, batch.RecordCount);
        while (reader.MoveNext())
        {
            // The walk finds whether every record fits, before any is judged.
        }
        return !reader.IsDamaged;
    }
}
