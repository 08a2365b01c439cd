using System.Buffers.Binary;
using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Benchmarks;

/// <summary>
/// Loads a broker by requests that are made before the clock runs: idempotent batches of 128 KB with acks of all, five
/// on the way; fetches of up to 1 MB. What limits the rate is the broker and the machine, not a client.
/// </summary>
internal static class WireLoad
{
    /// <summary>Once is over too soon for the clock that counts processor time.</summary>
    public const int ConsumedTimes = 6;

    private const int BatchBytes = 128 * 1024;
    private const int FetchBytes = 1 << 20;

    /// <summary>As many as an idempotent producer may have.</summary>
    private const int RequestsInFlight = 5;

    private const short AcksOfAll = -1;
    private const int TimeoutMs = 30_000;
    private const short ProduceVersion = 8;
    private const short FetchVersion = 4;

    /// <summary>What Apache Kafka answers until it has drawn a range of producer ids.</summary>
    private const short CoordinatorLoadInProgress = 14;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    public static async Task ProduceAsync(BrokerWorkload load, string bootstrap)
    {
        using var limit = new CancellationTokenSource(Patience);
        await Task.WhenAll(
                Enumerable
                    .Range(0, load.Producers)
                    .Select(_ => Task.Run(() => ProduceOneAsync(load, bootstrap), limit.Token))
            )
            .WaitAsync(limit.Token);
    }

    /// <summary>Reads the records from the start of the topic, several times.</summary>
    public static async Task ConsumeAsync(BrokerWorkload load, string bootstrap)
    {
        using var limit = new CancellationTokenSource(Patience);
        for (var i = 0; i < ConsumedTimes; i++)
            await Task.Run(() => ConsumeOneAsync(load, bootstrap), limit.Token).WaitAsync(limit.Token);
    }

    /// <summary>How many records one batch of the workload holds.</summary>
    private static int RecordsOf(BrokerWorkload load) => BatchBytes / load.RecordBytes;

    private static async Task ProduceOneAsync(BrokerWorkload load, string bootstrap)
    {
        using var client = await WireClient.ConnectAsync(bootstrap);
        var batch = Batch(load, await ProducerAsync(client));
        var request = WireClient.Request(
            ApiKey.Produce,
            ProduceVersion,
            writer =>
            {
                writer.WriteString(null);
                writer.WriteInt16(AcksOfAll);
                writer.WriteInt32(TimeoutMs);
                WritePartition(writer, load.Topic);
                writer.WriteBytes(batch);
            }
        );
        var records = RecordsOf(load);
        var requests = ((load.Records / load.Producers) + records - 1) / records;
        using var room = new SemaphoreSlim(RequestsInFlight);
        var answers = Task.Run(async () =>
        {
            for (var i = 0; i < requests; i++)
            {
                // Correlation, topics, the name, partitions, the index.
                client.Check(await client.ReceiveAsync(), 18 + load.Topic.Length);
                room.Release();
            }
        });
        for (var i = 0; i < requests; i++)
        {
            if (answers.IsFaulted || !await room.WaitAsync(Patience))
                break;
            Number(request.AsSpan(^batch.Length..), i * records);
            await client.SendAsync(request);
        }

        await answers;
    }

    /// <summary>A producer id and its epoch, asked for until the broker has some.</summary>
    private static async Task<byte[]> ProducerAsync(WireClient client)
    {
        while (true)
        {
            await client.SendAsync(
                WireClient.Request(
                    ApiKey.InitProducerId,
                    0,
                    writer =>
                    {
                        writer.WriteString(null);
                        writer.WriteInt32(TimeoutMs);
                    }
                )
            );
            // Correlation, throttling, the error code, the id, the epoch.
            var answer = await client.ReceiveAsync();
            if (BinaryPrimitives.ReadInt16BigEndian(answer.Span[8..]) != CoordinatorLoadInProgress)
            {
                client.Check(answer, 8);
                return answer[10..20].ToArray();
            }

            await Task.Delay(Pause);
        }
    }

    private static async Task ConsumeOneAsync(BrokerWorkload load, string bootstrap)
    {
        using var client = await WireClient.ConnectAsync(bootstrap);
        for (var offset = 0L; offset < load.Records; )
        {
            var from = offset;
            await client.SendAsync(
                WireClient.Request(
                    ApiKey.Fetch,
                    FetchVersion,
                    writer =>
                    {
                        // No replica; the time to wait, the least and the most bytes; not committed only.
                        writer.WriteInt32(-1);
                        writer.WriteInt32(TimeoutMs);
                        writer.WriteInt32(1);
                        writer.WriteInt32(FetchBytes);
                        writer.WriteByte(0);
                        WritePartition(writer, load.Topic);
                        writer.WriteInt64(from);
                        writer.WriteInt32(FetchBytes);
                    }
                )
            );
            var answer = await client.ReceiveAsync();
            // Correlation, throttling, topics, the name, partitions, the index; then two marks and what was aborted.
            var error = 22 + load.Topic.Length;
            client.Check(answer, error);
            offset = After(answer.Span[(error + 2 + 16)..], from);
        }
    }

    /// <summary>The offset after the last whole batch of an answer to a fetch.</summary>
    private static long After(ReadOnlySpan<byte> rest, long offset)
    {
        var aborted = Math.Max(0, BinaryPrimitives.ReadInt32BigEndian(rest));
        rest = rest[(sizeof(int) + (aborted * 2 * sizeof(long)) + sizeof(int))..];
        while (
            rest.Length >= BatchHeader.Size && BatchHeader.Read(rest) is var header && header.TotalBytes <= rest.Length
        )
        {
            offset = header.LastOffset + 1;
            rest = rest[header.TotalBytes..];
        }

        return offset;
    }

    /// <summary>One topic, and of it the first partition.</summary>
    private static void WritePartition(ResponseWriter writer, string topic)
    {
        writer.WriteArrayLength(1);
        writer.WriteString(topic);
        writer.WriteArrayLength(1);
        writer.WriteInt32(0);
    }

    private static byte[] Batch(BrokerWorkload load, byte[] producer)
    {
        var value = new byte[load.RecordBytes];
        new Random(1).NextBytes(value);
        var records = RecordsOf(load);
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        using var writer = new ResponseWriter();
        // Base offset, length, leader epoch, magic 2, checksum, attributes; the numbers come before each sending.
        writer.Grow(BatchHeader.Size).Clear();
        BinaryPrimitives.WriteInt32BigEndian(writer.From(12), -1);
        writer.From(16)[0] = 2;
        BinaryPrimitives.WriteInt32BigEndian(writer.From(23), records - 1);
        BinaryPrimitives.WriteInt64BigEndian(writer.From(27), now);
        BinaryPrimitives.WriteInt64BigEndian(writer.From(35), now);
        producer.CopyTo(writer.From(43));
        BinaryPrimitives.WriteInt32BigEndian(writer.From(57), records);
        for (var i = 0; i < records; i++)
            WriteRecord(writer, i, value);
        writer.PatchInt32(8, writer.Length - BatchHeader.Prefix);
        return writer.Written.ToArray();
    }

    /// <summary>A record with the time of its batch, without a key and without headers.</summary>
    private static void WriteRecord(ResponseWriter batch, int offset, byte[] value)
    {
        using var record = new ResponseWriter();
        record.WriteByte(0);
        WriteVarint(record, 0);
        WriteVarint(record, offset);
        WriteVarint(record, -1);
        WriteVarint(record, value.Length);
        value.CopyTo(record.Grow(value.Length));
        WriteVarint(record, 0);
        WriteVarint(batch, record.Length);
        record.Written.Span.CopyTo(batch.Grow(record.Length));
    }

    private static void WriteVarint(ResponseWriter writer, int value)
    {
        Span<byte> bytes = stackalloc byte[Varint.BytesMax];
        var length = Varint.Write(bytes, value);
        bytes[..length].CopyTo(writer.Grow(length));
    }

    private static void Number(Span<byte> batch, int sequence)
    {
        BinaryPrimitives.WriteInt32BigEndian(batch[53..], sequence);
        BatchHeader.WriteChecksum(batch);
    }
}
