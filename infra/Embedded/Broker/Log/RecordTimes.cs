using EventStream.Embedded.Broker.Compression;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Log;

/// <summary>Finds the record of a point in time within one batch.</summary>
internal static class RecordTimes
{
    /// <summary>A compressed batch that unpacks to more than this is taken as a whole.</summary>
    private const int UnpackedBytesMax = 64 * 1024 * 1024;

    /// <summary>
    /// The first record at or after the time and from <paramref name="from"/> on; null when the batch has none. Where
    /// the batch cannot be unpacked its first record is the answer: a consumer that starts there sees some earlier
    /// records and misses none.
    /// </summary>
    public static (long Offset, long TimestampMs)? FirstAtOrAfter(
        ReadOnlySpan<byte> bytes,
        in BatchHeader batch,
        long timestampMs,
        long from
    )
    {
        if (batch.IsLogAppendTime || bytes.Length < BatchHeader.Size)
        {
            return (Math.Max(batch.BaseOffset, from), batch.MaxTimestamp);
        }
        var payload = bytes[BatchHeader.Size..];
        if (batch.Codec == Codec.None)
        {
            return Walk(payload, batch, timestampMs, from);
        }
        using var unpacked = new ResponseWriter { BytesMax = UnpackedBytesMax };
        return Codec.Unpack(batch.Codec, payload, unpacked) == Unpacking.Whole
            ? Walk(unpacked.Written.Span, batch, timestampMs, from)
            : (Math.Max(batch.BaseOffset, from), batch.MaxTimestamp);
    }

    private static (long Offset, long TimestampMs)? Walk(
        ReadOnlySpan<byte> records,
        in BatchHeader batch,
        long timestampMs,
        long from
    )
    {
        var reader = new RecordReader(records, batch.RecordCount);
        while (reader.MoveNext())
        {
            var offset = batch.BaseOffset + reader.OffsetDelta;
            var timestamp = batch.BaseTimestamp + reader.TimestampDelta;
            if (timestamp >= timestampMs && offset >= from)
            {
                return (offset, timestamp);
            }
        }
        return reader.IsDamaged ? (Math.Max(batch.BaseOffset, from), batch.MaxTimestamp) : null;
    }
}
