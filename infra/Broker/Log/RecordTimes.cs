using System.IO.Compression;
using EventStream.Broker.Protocol;

namespace EventStream.Broker.Log;

/// <summary>Finds the record of a point in time within one batch.</summary>
internal static class RecordTimes
{
    private const int Gzip = 1;

    /// <summary>A compressed batch that unpacks to more than this is taken as a whole.</summary>
    private const int UnpackedBytesMax = 16 * 1024 * 1024;

    /// <summary>
    /// The first record at or after the time. Where the batch is compressed by a codec that the platform cannot
    /// unpack, its first record is the answer: a consumer that starts there sees some earlier records and misses
    /// none.
    /// </summary>
    public static (long Offset, long TimestampMs) FirstAtOrAfter(
        ReadOnlySpan<byte> bytes, in BatchHeader batch, long timestampMs)
    {
        var whole = (batch.BaseOffset, batch.MaxTimestamp);
        if (batch.IsLogAppendTime || bytes.Length < BatchHeader.Size)
        {
            return whole;
        }
        var payload = bytes[BatchHeader.Size..];
        return batch.Codec switch
        {
            0 => Walk(payload, batch, timestampMs) ?? whole,
            Gzip when Unpack(payload) is { } unpacked => Walk(unpacked, batch, timestampMs) ?? whole,
            _ => whole,
        };
    }

    private static (long, long)? Walk(ReadOnlySpan<byte> records, in BatchHeader batch, long timestampMs)
    {
        var position = 0;
        for (var i = 0; i < batch.RecordCount; i++)
        {
            if (!TryReadVarint(records, ref position, out var length))
            {
                return null;
            }
            var next = position + length;
            position++;
            if (!TryReadVarint(records, ref position, out var timestampDelta)
                || !TryReadVarint(records, ref position, out var offsetDelta))
            {
                return null;
            }
            if (batch.BaseTimestamp + timestampDelta >= timestampMs)
            {
                return (batch.BaseOffset + offsetDelta, batch.BaseTimestamp + timestampDelta);
            }
            if (next < position || next > records.Length)
            {
                return null;
            }
            position = (int)next;
        }
        return null;
    }

    private static bool TryReadVarint(ReadOnlySpan<byte> bytes, ref int position, out long value)
    {
        ulong raw = 0;
        for (var shift = 0; shift < 70 && position < bytes.Length; shift += 7)
        {
            var b = bytes[position++];
            raw |= (ulong)(b & 0x7f) << shift;
            if ((b & 0x80) == 0)
            {
                value = (long)(raw >> 1) ^ -(long)(raw & 1);
                return true;
            }
        }
        value = 0;
        return false;
    }

    private static byte[]? Unpack(ReadOnlySpan<byte> payload)
    {
        using var source = new GZipStream(new MemoryStream(payload.ToArray()), CompressionMode.Decompress);
        using var target = new MemoryStream();
        var chunk = new byte[16 * 1024];
        try
        {
            for (int read; (read = source.Read(chunk)) > 0 && target.Length <= UnpackedBytesMax;)
            {
                target.Write(chunk, 0, read);
            }
        }
        catch (InvalidDataException)
        {
            return null;
        }
        return target.Length <= UnpackedBytesMax ? target.ToArray() : null;
    }
}
