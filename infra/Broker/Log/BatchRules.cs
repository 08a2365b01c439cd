using EventStream.Broker.Protocol;

namespace EventStream.Broker.Log;

/// <summary>What a record batch must satisfy before it is let into a log, whatever the log holds.</summary>
internal static class BatchRules
{
    /// <summary>The codecs none, gzip, snappy, lz4 and zstd have the numbers 0 to 4.</summary>
    private const int CodecMax = 4;

    public static ErrorCode Check(ReadOnlySpan<byte> batch, int batchBytesMax, out BatchHeader header)
    {
        header = default;
        if (batch.Length < BatchHeader.Size)
        {
            return ErrorCode.CorruptMessage;
        }
        header = BatchHeader.Read(batch);
        if (header.Magic != 2)
        {
            return ErrorCode.UnsupportedForMessageFormat;
        }
        if (header.TotalBytes != batch.Length)
        {
            // A producer sends exactly one batch for each partition of a request.
            return header.TotalBytes > batch.Length ? ErrorCode.CorruptMessage : ErrorCode.InvalidRecord;
        }
        if (batch.Length > batchBytesMax)
        {
            return ErrorCode.MessageTooLarge;
        }
        return BatchHeader.ChecksumMatches(batch) ? CheckFields(header) : ErrorCode.CorruptMessage;
    }

    private static ErrorCode CheckFields(in BatchHeader header)
    {
        var counts = header.RecordCount > 0 && header.LastOffsetDelta == header.RecordCount - 1;
        var sequence = !header.HasProducerId || (header.ProducerEpoch >= 0 && header.BaseSequence >= 0);
        var transaction = !header.IsTransactional || header.HasProducerId;
        return counts && sequence && transaction && !header.IsControl && header.Codec <= CodecMax
            ? ErrorCode.None
            : ErrorCode.InvalidRecord;
    }
}
