using System.Buffers.Binary;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Tests.Broker;

/// <summary>Record batches of magic 2, made by hand.</summary>
internal static class Batches
{
    /// <summary>A batch of records without keys, whose values are their numbers, one millisecond apart.</summary>
    public static byte[] Of(
        int records,
        long baseTimestamp = 1000,
        long producerId = -1,
        short epoch = -1,
        int baseSequence = -1,
        bool transactional = false
    )
    {
        using var body = new MemoryStream();
        for (var i = 0; i < records; i++)
        {
            // Attributes, time and offset deltas, no key, a value of one byte, no headers: zigzag varints.
            byte[] record = [0, (byte)(i << 1), (byte)(i << 1), 1, 2, (byte)i, 0];
            body.WriteByte((byte)(record.Length << 1));
            body.Write(record);
        }
        var batch = new byte[BatchHeader.Size + body.Length];
        var span = batch.AsSpan();
        body.ToArray().CopyTo(span[BatchHeader.Size..]);
        BinaryPrimitives.WriteInt32BigEndian(span[8..], batch.Length - BatchHeader.Prefix);
        span[16] = 2;
        BinaryPrimitives.WriteInt16BigEndian(span[21..], transactional ? (short)0x10 : (short)0);
        BinaryPrimitives.WriteInt32BigEndian(span[23..], records - 1);
        BinaryPrimitives.WriteInt64BigEndian(span[27..], baseTimestamp);
        BinaryPrimitives.WriteInt64BigEndian(span[35..], baseTimestamp + records - 1);
        BinaryPrimitives.WriteInt64BigEndian(span[43..], producerId);
        BinaryPrimitives.WriteInt16BigEndian(span[51..], epoch);
        BinaryPrimitives.WriteInt32BigEndian(span[53..], baseSequence);
        BinaryPrimitives.WriteInt32BigEndian(span[57..], records);
        BatchHeader.WriteChecksum(span);
        return batch;
    }
}
