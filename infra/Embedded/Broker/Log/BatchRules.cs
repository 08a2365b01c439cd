using EventStream.Embedded.Broker.Compression;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Log;

/// <summary>
/// Why a batch is refused; <see cref="Message"/> says more than the error's own sentence where it can, and
/// <see cref="Records"/> names the bad records where others of the batch are good.
/// </summary>
internal readonly record struct Refusal(
    ErrorCode Error,
    string? Message = null,
    IReadOnlyList<RecordError>? Records = null
);

/// <summary>A bad record by its place in the batch, counted from 0.</summary>
internal readonly record struct RecordError(int Index, string Message);

/// <summary>What a record batch must satisfy before it is let into a log, whatever the log holds.</summary>
internal static class BatchRules
{
    /// <summary>A batch of a compacted topic that unpacks to more than this is let in with its keys unseen.</summary>
    private const int UnpackedBytesMax = 64 * 1024 * 1024;

    /// <summary>Bad records that are named; the message counts the others.</summary>
    private const int NamedMax = 1000;

    private static readonly Refusal Fine = new(ErrorCode.None);

    public static Refusal Check(ReadOnlySpan<byte> batch, TopicConfig config, long nowMs, out BatchHeader header)
    {
        header = default;
        if (batch.Length < BatchHeader.Size)
        {
            return new Refusal(ErrorCode.InvalidRecord);
        }
        header = BatchHeader.Read(batch);
        if (header.Magic != 2)
        {
            // Clients send again what is called corrupt, which does not make an old format a new one.
            return new Refusal(
                header.Magic < 2 ? ErrorCode.InvalidRecord : ErrorCode.CorruptMessage,
                $"Only record batches of magic 2 are accepted, not of magic {header.Magic}."
            );
        }
        if (header.TotalBytes != batch.Length)
        {
            // A producer sends exactly one batch for each partition of a request.
            return new Refusal(ErrorCode.InvalidRecord);
        }
        if (batch.Length > config.BatchBytesMax)
        {
            return new Refusal(ErrorCode.MessageTooLarge);
        }
        if (!BatchHeader.ChecksumMatches(batch))
        {
            return new Refusal(ErrorCode.CorruptMessage);
        }
        var refusal = CheckFields(header);
        if (refusal.Error == ErrorCode.None)
        {
            // The header has the latest time of all records; only the records show which ones are too late.
            var ofLatest = CheckTime(header.MaxTimestamp, config, nowMs);
            if (ofLatest.Error != ErrorCode.None || config.IsCompacted || config.TimestampBeforeMaxMs < long.MaxValue)
            {
                refusal = CheckRecords(batch[BatchHeader.Size..], header, config, nowMs);
            }
            refusal = refusal.Error == ErrorCode.None ? ofLatest : refusal;
        }
        return refusal.Error == ErrorCode.None && batch.Length > config.SegmentBytes
            ? new Refusal(ErrorCode.RecordListTooLarge)
            : refusal;
    }

    private static Refusal CheckFields(in BatchHeader header)
    {
        var counts = header.RecordCount > 0 && header.LastOffsetDelta == header.RecordCount - 1;
        var sequence = !header.HasProducerId || (header.ProducerEpoch >= 0 && header.BaseSequence >= 0);
        var transaction = !header.IsTransactional || header.HasProducerId;
        var reserved = header.IsControl || header.HasDeleteHorizon;
        return counts && sequence && transaction && !reserved && header.Codec <= Codec.Zstd
            ? Fine
            : new Refusal(ErrorCode.InvalidRecord);
    }

    private static Refusal CheckTime(long timestampMs, TopicConfig config, long nowMs)
    {
        if (config.LogAppendTime || timestampMs < 0)
        {
            return Fine;
        }
        var isLate = nowMs - timestampMs > config.TimestampBeforeMaxMs;
        return isLate || timestampMs - nowMs > config.TimestampAfterMaxMs
            ? new Refusal(
                ErrorCode.InvalidTimestamp,
                $"Timestamp {timestampMs} lies outside the range that message.timestamp."
                    + $"{(isLate ? "before" : "after")}.max.ms of the topic allows at {nowMs}."
            )
            : Fine;
    }

    private static Refusal CheckRecords(
        ReadOnlySpan<byte> payload,
        in BatchHeader header,
        TopicConfig config,
        long nowMs
    )
    {
        if (header.Codec == Codec.None)
        {
            return Walk(payload, header, config, nowMs);
        }
        using var unpacked = new ResponseWriter { BytesMax = UnpackedBytesMax };
        return Codec.Unpack(header.Codec, payload, unpacked) switch
        {
            Unpacking.Whole => Walk(unpacked.Written.Span, header, config, nowMs),
            Unpacking.TooLarge => Fine,
            _ => new Refusal(ErrorCode.CorruptMessage, "The records of the batch cannot be unpacked."),
        };
    }

    /// <summary>
    /// Looks at every record, so that the producer learns of each bad one. The error of the batch is that of the first,
    /// as with Apache Kafka.
    /// </summary>
    private static Refusal Walk(ReadOnlySpan<byte> records, in BatchHeader header, TopicConfig config, long nowMs)
    {
        var reader = new RecordReader(records, header.RecordCount);
        List<RecordError>? bad = null;
        var (first, count) = (Fine, 0);
        for (var index = 0; reader.MoveNext(); index++)
        {
            var refusal =
                config.IsCompacted && !reader.HasKey
                    ? new Refusal(ErrorCode.InvalidRecord, "A compacted topic cannot take a record without a key.")
                    : CheckTime(header.BaseTimestamp + reader.TimestampDelta, config, nowMs);
            if (refusal.Error == ErrorCode.None)
            {
                continue;
            }
            first = count++ == 0 ? refusal : first;
            if (count <= NamedMax)
            {
                (bad ??= []).Add(new RecordError(index, refusal.Message!));
            }
        }
        if (reader.IsDamaged)
        {
            return new Refusal(ErrorCode.InvalidRecord, "The records of the batch do not fit into it.");
        }
        return bad is null
            ? Fine
            : new Refusal(
                first.Error,
                $"{count} of {header.RecordCount} records"
                    + $"{(count > NamedMax ? $", of which the first {NamedMax} are named" : "")}: {first.Message}",
                bad
            );
    }
}
