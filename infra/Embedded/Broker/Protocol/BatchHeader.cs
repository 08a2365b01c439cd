using System.Buffers.Binary;

namespace EventStream.Embedded.Broker.Protocol;

/// <summary>
/// The header of a record batch of magic 2. A batch is kept as it came; the broker writes only the base offset, the
/// leader epoch and, for topics of LogAppendTime, the time. The first two lie before the checksummed part.
/// </summary>
internal readonly struct BatchHeader
{
    /// <summary>Bytes before the first record.</summary>
    public const int Size = 61;

    /// <summary>Bytes before the part that the batch's own length counts: base offset and length.</summary>
    public const int Prefix = 12;

    public const int CodecMask = 0x07;
    private const int LengthAt = 8;
    private const int LeaderEpochAt = 12;
    private const int MagicAt = 16;
    private const int CrcAt = 17;
    private const int AttributesAt = 21;
    private const int LastOffsetDeltaAt = 23;
    private const int BaseTimestampAt = 27;
    private const int MaxTimestampAt = 35;
    private const int RecordCountAt = 57;
    private const short LogAppendTimeBit = 0x08;
    private const short TransactionalBit = 0x10;
    private const short ControlBit = 0x20;
    private const short DeleteHorizonBit = 0x40;

    public long BaseOffset { get; private init; }
    public int TotalBytes { get; private init; }
    public byte Magic { get; private init; }
    public uint Crc { get; private init; }
    public short Attributes { get; private init; }
    public int LastOffsetDelta { get; private init; }
    public long BaseTimestamp { get; private init; }
    public long MaxTimestamp { get; private init; }
    public long ProducerId { get; private init; }
    public short ProducerEpoch { get; private init; }
    public int BaseSequence { get; private init; }
    public int RecordCount { get; private init; }

    public long LastOffset => BaseOffset + LastOffsetDelta;
    public bool IsTransactional => (Attributes & TransactionalBit) != 0;
    public bool IsControl => (Attributes & ControlBit) != 0;
    public bool IsLogAppendTime => (Attributes & LogAppendTimeBit) != 0;

    /// <summary>
    /// Whether <see cref="BaseTimestamp"/> is the time from which compaction may remove the batch's tombstones or its
    /// marker (KIP-534).
    /// </summary>
    public bool HasDeleteHorizon => (Attributes & DeleteHorizonBit) != 0;
    public int Codec => Attributes & CodecMask;
    public bool HasProducerId => ProducerId >= 0;

    /// <summary>
    /// Whether a consumer gets records from the batch: control batches and emptied ones have none for it.
    /// </summary>
    public bool HasRecords => RecordCount > 0 && !IsControl;

    /// <summary>The sequence number of the last record; sequence numbers wrap from int.MaxValue to 0.</summary>
    public int LastSequence => (int)(((long)BaseSequence + LastOffsetDelta) & int.MaxValue);

    /// <summary>Reads the header; <paramref name="bytes"/> holds <see cref="Size"/> bytes at least.</summary>
    public static BatchHeader Read(ReadOnlySpan<byte> bytes) =>
        new()
        {
            BaseOffset = BinaryPrimitives.ReadInt64BigEndian(bytes),
            TotalBytes = ReadTotalBytes(bytes),
            Magic = bytes[MagicAt],
            Crc = BinaryPrimitives.ReadUInt32BigEndian(bytes[CrcAt..]),
            Attributes = BinaryPrimitives.ReadInt16BigEndian(bytes[AttributesAt..]),
            LastOffsetDelta = BinaryPrimitives.ReadInt32BigEndian(bytes[LastOffsetDeltaAt..]),
            BaseTimestamp = BinaryPrimitives.ReadInt64BigEndian(bytes[BaseTimestampAt..]),
            MaxTimestamp = BinaryPrimitives.ReadInt64BigEndian(bytes[MaxTimestampAt..]),
            ProducerId = BinaryPrimitives.ReadInt64BigEndian(bytes[43..]),
            ProducerEpoch = BinaryPrimitives.ReadInt16BigEndian(bytes[51..]),
            BaseSequence = BinaryPrimitives.ReadInt32BigEndian(bytes[53..]),
            RecordCount = BinaryPrimitives.ReadInt32BigEndian(bytes[RecordCountAt..]),
        };

    /// <summary>
    /// The size of the whole batch from its first <see cref="Prefix"/> bytes; negative lengths come out as they are.
    /// </summary>
    public static int ReadTotalBytes(ReadOnlySpan<byte> bytes)
    {
        var length = BinaryPrimitives.ReadInt32BigEndian(bytes[LengthAt..]);
        return length is < 0 or > int.MaxValue - Prefix ? -1 : length + Prefix;
    }

    public static long ReadBaseOffset(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadInt64BigEndian(bytes);

    public static long ReadLastOffset(ReadOnlySpan<byte> bytes) =>
        ReadBaseOffset(bytes) + BinaryPrimitives.ReadInt32BigEndian(bytes[LastOffsetDeltaAt..]);

    /// <summary>True when the checksum of the batch matches; <paramref name="batch"/> is exactly one batch.</summary>
    public static bool ChecksumMatches(ReadOnlySpan<byte> batch) =>
        BinaryPrimitives.ReadUInt32BigEndian(batch[CrcAt..]) == Crc32C.Compute(batch[AttributesAt..]);

    public static void WritePlace(Span<byte> batch, long baseOffset, int leaderEpoch)
    {
        BinaryPrimitives.WriteInt64BigEndian(batch, baseOffset);
        BinaryPrimitives.WriteInt32BigEndian(batch[LeaderEpochAt..], leaderEpoch);
    }

    /// <summary>
    /// Stamps the batch with the time of its arrival, in milliseconds since 1970, and renews the checksum.
    /// </summary>
    public static void WriteLogAppendTime(Span<byte> batch, long nowMs)
    {
        var attributes = BinaryPrimitives.ReadInt16BigEndian(batch[AttributesAt..]);
        BinaryPrimitives.WriteInt16BigEndian(batch[AttributesAt..], (short)(attributes | LogAppendTimeBit));
        BinaryPrimitives.WriteInt64BigEndian(batch[MaxTimestampAt..], nowMs);
        WriteChecksum(batch);
    }

    /// <summary>
    /// Fills in what compaction changes of a batch whose records were exchanged: everything but its place, its offsets
    /// and its producer.
    /// </summary>
    public static void WriteShape(
        Span<byte> batch,
        short attributes,
        long baseTimestampMs,
        long maxTimestampMs,
        int recordCount
    )
    {
        BinaryPrimitives.WriteInt32BigEndian(batch[LengthAt..], batch.Length - Prefix);
        BinaryPrimitives.WriteInt16BigEndian(batch[AttributesAt..], attributes);
        BinaryPrimitives.WriteInt64BigEndian(batch[BaseTimestampAt..], baseTimestampMs);
        BinaryPrimitives.WriteInt64BigEndian(batch[MaxTimestampAt..], maxTimestampMs);
        BinaryPrimitives.WriteInt32BigEndian(batch[RecordCountAt..], recordCount);
        WriteChecksum(batch);
    }

    public static void WriteChecksum(Span<byte> batch) =>
        BinaryPrimitives.WriteUInt32BigEndian(batch[CrcAt..], Crc32C.Compute(batch[AttributesAt..]));
}
