using System.Buffers.Binary;
using EventStream.Broker.Protocol;

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

    private const short ProduceVersion = 8;
    private const short FetchVersion = 4;

    /// <summary>What Apache Kafka answers until it has drawn a range of producer ids.</summary>
    private const short CoordinatorLoadInProgress = 14;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    public static async Task ProduceAsync(BrokerWorkload load, string bootstrap)
    {
        using var limit = new CancellationTokenSource(Patience);
        await Task.WhenAll(Enumerable.Range(0, load.Producers)
            .Select(_ => Task.Run(() => ProduceOneAsync(load, bootstrap), limit.Token))).WaitAsync(limit.Token);
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
        var request = WireClient.Request(WireClient.Produce, ProduceVersion, w => w
            .Int16(-1).Int16(-1).Int32(30_000).Int32(1).Text(load.Topic).Int32(1).Int32(0).Int32(batch.Length)
            .Bytes(batch));
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
            if (answers.IsFaulted || !await room.WaitAsync(Patience)) break;
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
            await client.SendAsync(WireClient.Request(WireClient.InitProducerId, 0, w => w.Int16(-1).Int32(60_000)));
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
        for (var offset = 0L; offset < load.Records;)
        {
            var from = offset;
            await client.SendAsync(WireClient.Request(WireClient.Fetch, FetchVersion, w => w
                .Int32(-1).Int32(500).Int32(1).Int32(FetchBytes).Bytes([0]).Int32(1).Text(load.Topic).Int32(1)
                .Int32(0).Int64(from).Int32(FetchBytes)));
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
        while (rest.Length >= BatchHeader.Size && BatchHeader.Read(rest) is var header
            && header.TotalBytes <= rest.Length)
        {
            offset = header.LastOffset + 1;
            rest = rest[header.TotalBytes..];
        }

        return offset;
    }

    private static byte[] Batch(BrokerWorkload load, byte[] producer)
    {
        var value = new byte[load.RecordBytes];
        new Random(1).NextBytes(value);
        var records = RecordsOf(load);
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var writer = new WireWriter();
        writer.Int64(0).Int32(0).Int32(-1).Bytes([2]).Int32(0).Int16(0).Int32(records - 1).Int64(now).Int64(now)
            .Bytes(producer).Int32(0).Int32(records);
        for (var i = 0; i < records; i++)
        {
            // Attributes, time, offset, no key, the value, no headers.
            var record = new WireWriter().Bytes([0]).Varint(0).Varint(i).Varint(-1).Varint(value.Length).Bytes(value)
                .Varint(0).ToArray();
            writer.Varint(record.Length).Bytes(record);
        }

        var batch = writer.ToArray();
        BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(8), batch.Length - BatchHeader.Prefix);
        return batch;
    }

    private static void Number(Span<byte> batch, int sequence)
    {
        BinaryPrimitives.WriteInt32BigEndian(batch[53..], sequence);
        BatchHeader.WriteChecksum(batch);
    }
}
