using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json;
using EventStream.Contracts;
using EventStream.Tests.Kit;
using EventStream.Warehouse;
using EventStream.Warehouse.Schema;
using EventStream.Warehouse.Sink;
using EventStream.Warehouse.Sink.Rows;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Benchmarks;

/// <summary>
/// What it costs the sink to store beacons: rows by the official driver, beside JSON lines by HTTP, which is
/// what a client without a driver sends. Only the client's CPU counts; the engine is a process of its own.
/// </summary>
internal static class WarehouseBenchmark
{
    private const int Rows = 200_000;
    private const int BatchRows = 20_000;

    private static readonly JsonSerializerOptions Columns = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var engine = new EmbeddedClickHouse { BodyBytesMax = 256 << 20 };
        await engine.InitializeAsync();
        try
        {
            using var client = new ClickHouseOptions
            {
                Url = engine.Url,
                Password = EmbeddedClickHouse.Password,
            }.Client();
            await SchemaMigrator.ApplyAsync(client, default);
            var inserter = new TableInserter(client, NullLogger.Instance);
            var costs = await Measure.CostsAsync(
                Measure.Few,
                Rows,
                OwnCpuSeconds,
                () =>
                    EachBatchAsync(
                        (batch, token) =>
                            inserter.InsertAsync(
                                Taken(batch).Tables.Single(),
                                token,
                                new SinkBatch(new SinkOptions()),
                                default
                            )
                    ),
                () => EachBatchAsync((batch, token) => PostLinesAsync(engine, batch, token))
            );
            return
            [
                Figure.AgainstPeer(
                    "warehouse: client CPU of beacons stored",
                    "CPU-s/M",
                    costs[0].CpuPerMillion,
                    costs[1].CpuPerMillion,
                    "JSON lines by HTTP",
                    "at most a third"
                ),
                Figure.AgainstPeer(
                    "warehouse: beacons stored",
                    "rows/s",
                    costs[0].Rate,
                    costs[1].Rate,
                    "JSON lines by HTTP",
                    "more"
                ),
            ];
        }
        finally
        {
            await engine.DisposeAsync();
        }
    }

    private static double OwnCpuSeconds()
    {
        using var self = Process.GetCurrentProcess();
        return self.TotalProcessorTime.TotalSeconds;
    }

    private static async Task EachBatchAsync(Func<IReadOnlyList<BeaconReceived>, string, Task> insert)
    {
        for (var first = 0; first < Rows; first += BatchRows)
            await insert([.. Enumerable.Range(first, BatchRows).Select(Beacon)], $"{Guid.NewGuid()}");
    }

    private static SinkBatch Taken(IReadOnlyList<BeaconReceived> beacons)
    {
        var batch = new SinkBatch(new SinkOptions());
        for (var i = 0; i < beacons.Count; i++)
        {
            var record = new SinkRecord(
                Topics.PlaybackBeacons.Name,
                0,
                i,
                beacons[i].Time,
                "playback.beacon.v1",
                $"event-{i}",
                [],
                []
            );
            var table = Tables.Of(beacons[i])!;
            batch.Add(table, table.Read(beacons[i], record));
        }

        return batch;
    }

    private static async Task PostLinesAsync(
        EmbeddedClickHouse engine,
        IReadOnlyList<BeaconReceived> beacons,
        string token
    )
    {
        using var lines = new MemoryStream();
        foreach (var beacon in beacons)
        {
            await JsonSerializer.SerializeAsync(lines, beacon, Columns);
            lines.WriteByte((byte)'\n');
        }

        using var content = new ByteArrayContent(lines.GetBuffer(), 0, (int)lines.Length);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        using var request = new HttpRequestMessage(
            HttpMethod.Post,
            new Uri(
                engine.Url,
                "/?query=INSERT+INTO+es.beacons+FORMAT+JSONEachRow&async_insert=0&input_format_null_as_default=1"
                    + $"&insert_deduplication_token={token}"
            )
        )
        {
            Content = content,
        };
        request.Headers.Add("X-ClickHouse-User", "default");
        request.Headers.Add("X-ClickHouse-Key", EmbeddedClickHouse.Password);
        using var answer = await engine.Http.SendAsync(request);
        if (!answer.IsSuccessStatusCode)
            throw new InvalidOperationException(await answer.Content.ReadAsStringAsync());
    }

    private static BeaconReceived Beacon(int i) =>
        new()
        {
            SessionId = $"session-{i % 500}",
            ContentId = $"video-{i % 20}",
            Version = 2,
            Event = "ps",
            Time = DateTimeOffset.FromUnixTimeMilliseconds(1_796_000_000_000L + i),
            ReceivedAt = DateTimeOffset.FromUnixTimeMilliseconds(1_796_000_000_100L + i),
            Sequence = i,
            State = "p",
            BitrateKbps = 2400 + (i % 7),
            ThroughputKbps = 12_000 + (i % 1000),
            BufferMs = 12_000,
            PlayheadMs = i * 10,
            Url = $"https://edge-a.example/v/{i % 20}/720p/{i % 300}.m4s",
            Player = "hls.js",
            Region = "eu",
            Device = "desktop",
            Edge = "edge-a",
            Raw = "br=2400,bl=12000,mtp=12000,ot=v,sf=h,st=v,sid=\"session\",v=2,e=ps,sta=p,cid=\"video\"",
            Proven = true,
        };
}
