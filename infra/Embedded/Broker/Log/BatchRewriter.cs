using EventStream.Embedded.Broker.Compression;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Log;

/// <summary>
/// Builds what compaction leaves of a batch: the header with its offsets and sequences as they were, and the records
/// that stay. With a delete horizon (KIP-534) the header's base timestamp is the time from which tombstones and markers
/// may go, and the records' timestamps are written relative to it.
/// </summary>
internal sealed class BatchRewriter : IDisposable
{
    private const short HorizonBit = 0x40;
    private readonly ResponseWriter _records = new();
    private readonly ResponseWriter _batch = new();
    private BatchHeader _original;
    private long? _horizonMs;
    private long _maxTimestamp;

    /// <summary>How many records stay so far.</summary>
    public int Count { get; private set; }

    /// <summary>
    /// Begins a batch; <paramref name="newHorizonMs"/> is null where the horizon is to stay as it is.
    /// </summary>
    public void Begin(in BatchHeader original, long? newHorizonMs)
    {
        _records.Truncate(0);
        (_original, _horizonMs, Count, _maxTimestamp) = (original, newHorizonMs, 0, -1);
    }

    public void Keep(in RecordReader record)
    {
        var timestamp = _original.BaseTimestamp + record.TimestampDelta;
        _maxTimestamp = Math.Max(_maxTimestamp, timestamp);
        Count++;
        if (_horizonMs is { } horizonMs)
        {
            Write(record, timestamp - horizonMs);
        }
        else
        {
            record.Bytes.CopyTo(_records.Grow(record.Bytes.Length));
        }
    }

    /// <summary>The batch of the records kept; valid until the next one is begun.</summary>
    public ReadOnlySpan<byte> End(ReadOnlySpan<byte> original)
    {
        if (_original.Codec == Codec.None)
        {
            return Finish(original, _records.Written.Span, Codec.None);
        }
        return Finish(original, Codec.Pack(_original.Codec, _records.Written.Span), _original.Codec);
    }

    /// <summary>
    /// The batch without its records: it keeps the last sequence of a producer that may still write.
    /// </summary>
    public ReadOnlySpan<byte> Empty(in BatchHeader header, ReadOnlySpan<byte> original)
    {
        Begin(header, newHorizonMs: null);
        _maxTimestamp = header.MaxTimestamp;
        return Finish(original, [], Codec.None);
    }

    public void Dispose()
    {
        _records.Dispose();
        _batch.Dispose();
    }

    private void Write(in RecordReader record, long timestampDelta)
    {
        Span<byte> head = stackalloc byte[1 + 2 * Varint.BytesMax];
        head[0] = record.Attributes;
        var headBytes = 1 + Varint.Write(head[1..], timestampDelta);
        headBytes += Varint.Write(head[headBytes..], record.OffsetDelta);
        Span<byte> length = stackalloc byte[Varint.BytesMax];
        var lengthBytes = Varint.Write(length, headBytes + record.Body.Length);
        length[..lengthBytes].CopyTo(_records.Grow(lengthBytes));
        head[..headBytes].CopyTo(_records.Grow(headBytes));
        record.Body.CopyTo(_records.Grow(record.Body.Length));
    }

    private ReadOnlySpan<byte> Finish(ReadOnlySpan<byte> original, ReadOnlySpan<byte> records, int codec)
    {
        _batch.Truncate(0);
        original[..BatchHeader.Size].CopyTo(_batch.Grow(BatchHeader.Size));
        records.CopyTo(_batch.Grow(records.Length));
        var batch = _batch.From(0);
        var attributes = (short)(_original.Attributes & ~BatchHeader.CodecMask | codec);
        var maxTimestamp = _original.IsLogAppendTime ? _original.MaxTimestamp : _maxTimestamp;
        BatchHeader.WriteShape(
            batch,
            _horizonMs is null ? attributes : (short)(attributes | HorizonBit),
            _horizonMs ?? _original.BaseTimestamp,
            maxTimestamp,
            Count
        );
        return batch;
    }
}
