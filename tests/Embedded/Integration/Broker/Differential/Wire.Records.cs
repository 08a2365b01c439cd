using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Tests.Integration.Broker.Differential;

internal sealed partial class Wire
{
    /// <summary>An answer to Produce as a scenario writes it down; Bad are the records that are blamed.</summary>
    public readonly record struct Produced(short Code, long Offset, long LogAppendTime, long LogStart, string Bad)
    {
        public override string ToString() =>
            Code == 0 ? $"NoError at {Offset}" : Name(Code) + (Bad.Length > 0 ? $", bad records {Bad}" : "");
    }

    /// <summary>An answer to Fetch: marks, first offsets of aborted transactions, offsets of batches.</summary>
    public readonly record struct Fetched(
        short Code,
        long HighWatermark,
        long LastStable,
        long LogStart,
        string Aborted,
        string Batches
    )
    {
        public override string ToString() =>
            Code == 0
                ? $"high watermark {HighWatermark}, last stable {LastStable}, log start {LogStart}, "
                    + $"aborted from [{Aborted}], batches [{Batches}]"
                : Name(Code);
    }

    /// <summary>An answer to ListOffsets.</summary>
    public readonly record struct Listed(short Code, long Offset, long Timestamp)
    {
        public override string ToString() => Code == 0 ? $"offset {Offset}, timestamp {Timestamp}" : Name(Code);
    }

    /// <summary>Produces one batch, or whatever the bytes are, to a partition.</summary>
    public Task<Produced> ProduceAsync(
        string topic,
        byte[] records,
        short acks = -1,
        int partition = 0,
        string? transactionalId = null
    ) =>
        PatientlyAsync(
            async () =>
            {
                var answer = await AskAsync(
                    ApiKey.Produce,
                    8,
                    false,
                    w => WriteProduce(w, topic, records, acks, partition, transactionalId)
                );
                Assert.Equal(1, answer.ReadArrayLength());
                answer.ReadString();
                Assert.Equal(1, answer.ReadArrayLength());
                answer.ReadInt32();
                var (code, offset, time, start) = (
                    answer.ReadInt16(),
                    answer.ReadInt64(),
                    answer.ReadInt64(),
                    answer.ReadInt64()
                );
                var bad = new List<int>();
                for (var count = answer.ReadArrayLength(); count > 0; count--)
                {
                    bad.Add(answer.ReadInt32());
                    answer.ReadNullableString();
                }
                return new Produced(code, offset, time, start, string.Join(' ', bad));
            },
            produced => produced.Code
        );

    /// <summary>Produces with acks=0, to which no answer comes.</summary>
    public Task ProduceSilentlyAsync(string topic, byte[] records) =>
        SendAsync((short)ApiKey.Produce, 8, false, w => WriteProduce(w, topic, records, 0, 0, null));

    public async Task<Fetched> FetchAsync(
        string topic,
        long offset,
        bool committedOnly = false,
        int maxBytes = 1024 * 1024,
        int partition = 0,
        int leaderEpoch = -1,
        int waitMs = 0
    )
    {
        var answer = await AskAsync(
            ApiKey.Fetch,
            11,
            false,
            w =>
            {
                w.WriteInt32(-1);
                w.WriteInt32(waitMs);
                w.WriteInt32(1);
                w.WriteInt32(maxBytes);
                w.WriteByte(committedOnly ? (byte)1 : (byte)0);
                w.WriteInt32(0);
                w.WriteInt32(-1);
                w.WriteArrayLength(1);
                w.WriteString(topic);
                w.WriteArrayLength(1);
                w.WriteInt32(partition);
                w.WriteInt32(leaderEpoch);
                w.WriteInt64(offset);
                w.WriteInt64(-1);
                w.WriteInt32(maxBytes);
                w.WriteArrayLength(0);
                w.WriteString("");
            }
        );
        answer.ReadInt32();
        Assert.Equal(0, answer.ReadInt16());
        answer.ReadInt32();
        Assert.Equal(1, answer.ReadArrayLength());
        answer.ReadString();
        Assert.Equal(1, answer.ReadArrayLength());
        answer.ReadInt32();
        return ReadFetched(answer);
    }

    public async Task<Listed> ListOffsetsAsync(
        string topic,
        long timestamp,
        bool committedOnly = false,
        int partition = 0,
        int leaderEpoch = -1
    )
    {
        var answer = await AskAsync(
            ApiKey.ListOffsets,
            7,
            true,
            w =>
            {
                w.WriteInt32(-1);
                w.WriteByte(committedOnly ? (byte)1 : (byte)0);
                w.WriteArrayLength(1);
                w.WriteString(topic);
                w.WriteArrayLength(1);
                w.WriteInt32(partition);
                w.WriteInt32(leaderEpoch);
                w.WriteInt64(timestamp);
                w.WriteTags();
                w.WriteTags();
            }
        );
        answer.ReadInt32();
        Assert.Equal(1, answer.ReadArrayLength());
        answer.ReadString();
        Assert.Equal(1, answer.ReadArrayLength());
        answer.ReadInt32();
        var (code, found) = (answer.ReadInt16(), answer.ReadInt64());
        return new Listed(code, answer.ReadInt64(), found);
    }

    /// <summary>Where an epoch of the leader ended.</summary>
    public async Task<string> EpochEndAsync(string topic, int currentEpoch, int epoch)
    {
        var answer = await AskAsync(
            ApiKey.OffsetForLeaderEpoch,
            3,
            false,
            w =>
            {
                w.WriteInt32(-1);
                w.WriteArrayLength(1);
                w.WriteString(topic);
                w.WriteArrayLength(1);
                w.WriteInt32(0);
                w.WriteInt32(currentEpoch);
                w.WriteInt32(epoch);
            }
        );
        answer.ReadInt32();
        Assert.Equal(1, answer.ReadArrayLength());
        answer.ReadString();
        Assert.Equal(1, answer.ReadArrayLength());
        var code = answer.ReadInt16();
        answer.ReadInt32();
        return $"{Name(code)}, epoch {answer.ReadInt32()}, end {answer.ReadInt64()}";
    }

    /// <summary>Moves the start of a log forward.</summary>
    public async Task<string> DeleteRecordsAsync(string topic, long before, int partition = 0)
    {
        var answer = await AskAsync(
            ApiKey.DeleteRecords,
            2,
            true,
            w =>
            {
                w.WriteArrayLength(1);
                w.WriteString(topic);
                w.WriteArrayLength(1);
                w.WriteInt32(partition);
                w.WriteInt64(before);
                w.WriteTags();
                w.WriteTags();
                w.WriteInt32(10_000);
            }
        );
        answer.ReadInt32();
        Assert.Equal(1, answer.ReadArrayLength());
        answer.ReadString();
        Assert.Equal(1, answer.ReadArrayLength());
        answer.ReadInt32();
        var low = answer.ReadInt64();
        return $"{Name(answer.ReadInt16())}, low watermark {low}";
    }

    private static void WriteProduce(
        ResponseWriter w,
        string topic,
        byte[] records,
        short acks,
        int partition,
        string? transactionalId
    )
    {
        w.WriteString(transactionalId);
        w.WriteInt16(acks);
        w.WriteInt32(10_000);
        w.WriteArrayLength(1);
        w.WriteString(topic);
        w.WriteArrayLength(1);
        w.WriteInt32(partition);
        w.WriteBytes(records);
    }

    private static Fetched ReadFetched(RequestReader answer)
    {
        var (code, high, stable, start) = (
            answer.ReadInt16(),
            answer.ReadInt64(),
            answer.ReadInt64(),
            answer.ReadInt64()
        );
        var aborted = new List<long>();
        for (var count = answer.ReadNullableArrayLength(); count > 0; count--)
        {
            answer.ReadInt64();
            aborted.Add(answer.ReadInt64());
        }
        answer.ReadInt32();
        var batches = new List<string>();
        for (var records = answer.ReadRawBytes(); records.Length >= BatchHeader.Size; )
        {
            var header = BatchHeader.Read(records);
            if (header.TotalBytes > records.Length)
            {
                batches.Add("cut off");
                break;
            }
            batches.Add($"{header.BaseOffset}-{header.LastOffset}" + (header.IsControl ? " marker" : ""));
            records = records[header.TotalBytes..];
        }
        return new Fetched(code, high, stable, start, string.Join(", ", aborted.Order()), string.Join(", ", batches));
    }
}
