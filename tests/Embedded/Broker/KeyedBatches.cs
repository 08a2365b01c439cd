using System.Buffers.Binary;
using System.Text;
using EventStream.Embedded.Broker.Compression;
using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Tests.Broker;

/// <summary>A record as a test sees it: its offset, key and value.</summary>
internal readonly record struct SeenRecord(long Offset, string? Key, string? Value);

/// <summary>Record batches with keys, values and codecs, made by hand, and taken apart again.</summary>
internal static class KeyedBatches
{
    /// <summary>
    /// A batch of records, one millisecond apart unless <paramref name="after"/> gives the milliseconds of each after
    /// <paramref name="baseTimestamp"/>; a null value is a tombstone.
    /// </summary>
    public static byte[] Of(
        IReadOnlyList<(string? Key, string? Value)> records,
        int codec = 0,
        long baseTimestamp = 1000,
        long producerId = -1,
        short epoch = -1,
        int baseSequence = -1,
        bool transactional = false,
        IReadOnlyList<long>? after = null
    )
    {
        using var body = new MemoryStream();
        after ??= [.. Enumerable.Range(0, records.Count).Select(i => (long)i)];
        for (var i = 0; i < records.Count; i++)
        {
            WriteRecord(body, i, after[i], records[i].Key, records[i].Value);
        }
        var packed = codec == Codec.None ? body.ToArray() : Codec.Pack(codec, body.ToArray());
        var batch = new byte[BatchHeader.Size + packed.Length];
        var span = batch.AsSpan();
        packed.CopyTo(span[BatchHeader.Size..]);
        BinaryPrimitives.WriteInt32BigEndian(span[8..], batch.Length - BatchHeader.Prefix);
        span[16] = 2;
        BinaryPrimitives.WriteInt16BigEndian(span[21..], (short)((transactional ? 0x10 : 0) | codec));
        BinaryPrimitives.WriteInt32BigEndian(span[23..], records.Count - 1);
        BinaryPrimitives.WriteInt64BigEndian(span[27..], baseTimestamp);
        BinaryPrimitives.WriteInt64BigEndian(span[35..], baseTimestamp + after.Max());
        BinaryPrimitives.WriteInt64BigEndian(span[43..], producerId);
        BinaryPrimitives.WriteInt16BigEndian(span[51..], epoch);
        BinaryPrimitives.WriteInt32BigEndian(span[53..], baseSequence);
        BinaryPrimitives.WriteInt32BigEndian(span[57..], records.Count);
        BatchHeader.WriteChecksum(span);
        return batch;
    }

    public static byte[] Of(string key, string? value) => Of([(key, value)]);

    /// <summary>Every batch of a log from its start on, as a consumer reads them.</summary>
    public static List<(BatchHeader Header, byte[] Bytes)> Batches(PartitionLog log)
    {
        using var writer = new ResponseWriter();
        var batches = new List<(BatchHeader, byte[])>();
        for (var from = log.LogStart; from < log.LogEnd; )
        {
            writer.Truncate(0);
            var read = log.Read(from, log.LogEnd, 1 << 20, atLeastOne: true, writer);
            Assert.Equal(ErrorCode.None, read.Error);
            if (read.Bytes == 0)
            {
                break;
            }
            for (var at = 0; at < read.Bytes; )
            {
                var header = BatchHeader.Read(writer.From(at));
                var bytes = writer.From(at)[..header.TotalBytes].ToArray();
                Assert.True(BatchHeader.ChecksumMatches(bytes));
                batches.Add((header, bytes));
                at += header.TotalBytes;
            }
            from = read.NextOffset;
        }
        return batches;
    }

    /// <summary>Every record of a log that is no marker, as read_uncommitted sees it.</summary>
    public static List<SeenRecord> Records(PartitionLog log) =>
        [.. Batches(log).Where(b => !b.Header.IsControl).SelectMany(b => Records(b.Bytes))];

    /// <summary>
    /// The last value of each key, tombstones applied: what is in a table that the log was read into.
    /// </summary>
    public static SortedDictionary<string, string> Table(IEnumerable<SeenRecord> records)
    {
        var table = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (_, key, value) in records)
        {
            if (value is null)
            {
                table.Remove(key!);
            }
            else
            {
                table[key!] = value;
            }
        }
        return table;
    }

    /// <summary>The records of one batch.</summary>
    public static List<SeenRecord> Records(byte[] batch)
    {
        var header = BatchHeader.Read(batch);
        using var unpacked = new ResponseWriter { BytesMax = 1 << 24 };
        Assert.Equal(Unpacking.Whole, Codec.Unpack(header.Codec, batch.AsSpan(BatchHeader.Size), unpacked));
        var records = new List<SeenRecord>();
        var reader = new RecordReader(unpacked.Written.Span, header.RecordCount);
        while (reader.MoveNext())
        {
            var at = 0;
            var body = reader.Body;
            var (key, value) = (ReadText(body, ref at), ReadText(body, ref at));
            records.Add(new SeenRecord(header.BaseOffset + reader.OffsetDelta, key, value));
        }
        Assert.False(reader.IsDamaged);
        return records;
    }

    private static string? ReadText(ReadOnlySpan<byte> bytes, ref int at)
    {
        Assert.True(Varint.TryRead(bytes, ref at, out var length));
        if (length < 0)
        {
            return null;
        }
        at += (int)length;
        return Encoding.UTF8.GetString(bytes[(at - (int)length)..at]);
    }

    private static void WriteRecord(MemoryStream target, int delta, long timeDelta, string? key, string? value)
    {
        using var record = new MemoryStream();
        record.WriteByte(0);
        WriteVarint(record, timeDelta);
        WriteVarint(record, delta);
        WriteText(record, key);
        WriteText(record, value);
        WriteVarint(record, 0);
        WriteVarint(target, record.Length);
        target.Write(record.ToArray());
    }

    private static void WriteText(MemoryStream target, string? text)
    {
        WriteVarint(target, text is null ? -1 : Encoding.UTF8.GetByteCount(text));
        target.Write(Encoding.UTF8.GetBytes(text ?? ""));
    }

    private static void WriteVarint(MemoryStream target, long value)
    {
        Span<byte> bytes = stackalloc byte[Varint.BytesMax];
        target.Write(bytes[..Varint.Write(bytes, value)]);
    }
}
