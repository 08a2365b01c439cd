using System.Buffers.Binary;
using EventStream.Embedded.Broker.Log;

namespace EventStream.Embedded.Broker.Protocol;

/// <summary>
/// The marker that ends a transaction in a partition: a control batch of one record, whose key says abort (0) or
/// commit (1).
/// </summary>
internal static class ControlBatch
{
    private const int RecordBytes = 17;

    /// <summary>The whole batch, checksum included; the log assigns the offset.</summary>
    public static byte[] EndOfTransaction(long producerId, short producerEpoch, bool commit, long nowMs)
    {
        var batch = new byte[BatchHeader.Size + RecordBytes];
        var span = batch.AsSpan();
        BinaryPrimitives.WriteInt32BigEndian(span[8..], batch.Length - BatchHeader.Prefix);
        span[16] = 2;
        BinaryPrimitives.WriteInt16BigEndian(span[21..], 0x30);
        BinaryPrimitives.WriteInt64BigEndian(span[27..], nowMs);
        BinaryPrimitives.WriteInt64BigEndian(span[35..], nowMs);
        BinaryPrimitives.WriteInt64BigEndian(span[43..], producerId);
        BinaryPrimitives.WriteInt16BigEndian(span[51..], producerEpoch);
        BinaryPrimitives.WriteInt32BigEndian(span[53..], -1);
        BinaryPrimitives.WriteInt32BigEndian(span[57..], 1);
        WriteRecord(span[BatchHeader.Size..], commit);
        BatchHeader.WriteChecksum(span);
        return batch;
    }

    /// <summary>True when the control batch commits; one that compaction left without its record does not.</summary>
    public static bool IsCommit(ReadOnlySpan<byte> batch)
    {
        var record =
            batch.Length >= BatchHeader.Size
                ? new RecordReader(batch[BatchHeader.Size..], BatchHeader.Read(batch).RecordCount)
                : default;
        return record.MoveNext() && record.Key.Length >= 4 && BinaryPrimitives.ReadInt16BigEndian(record.Key[2..]) == 1;
    }

    /// <summary>Lengths are zigzag varints of one byte: length 16, key 4 bytes, value 6 bytes, no headers.</summary>
    private static void WriteRecord(Span<byte> record, bool commit)
    {
        record[0] = (RecordBytes - 1) << 1;
        record[4] = 4 << 1;
        BinaryPrimitives.WriteInt16BigEndian(record[7..], commit ? (short)1 : (short)0);
        record[9] = 6 << 1;
    }
}
