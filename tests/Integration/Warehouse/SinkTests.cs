using System.Diagnostics;
using System.Net.Http.Json;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using EventStream.Warehouse.Sink;

namespace EventStream.Integration.Tests.Warehouse;

[Collection(EmbeddedClickHouseCollection.Name)]
public sealed class SinkTests(EmbeddedClickHouse engine, TestBroker broker) : IClassFixture<TestBroker>
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    /// <summary>How long a count may stand still before nothing more is expected of it.</summary>
    private static readonly TimeSpan Standstill = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task Every_message_of_every_topic_reaches_its_table_and_nothing_is_dropped()
    {
        await using var sink = await StartSinkAsync();
        using var producer = Producer();
        foreach (var (topic, message) in SinkMessages.OneOfEach())
            Send(producer, topic, message, "one-of-each");
        Send(producer, Topics.TrafficLoad, "strange.v1", "{\"a\":1}"u8.ToArray(), "strange");
        Send(producer, Topics.QoeAlerts, "qoe.alert-raised.v1", "not json"u8.ToArray(), "broken");
        producer.Flush(None);

        await UntilAsync("SELECT count() AS n FROM es.dead_letters", 3);
        await UntilAsync("SELECT count() AS n FROM es.beacons WHERE event_id = 'one-of-each'", 2);
        string[] tables =
        [
            "requests",
            "qoe_windows",
            "sessions",
            "session_edges",
            "session_updates",
            "alerts",
            "load",
            "operator_actions",
        ];
        foreach (var table in tables)
            await UntilAsync($"SELECT count() AS n FROM es.{table} WHERE event_id = 'one-of-each'", 1);
        await UntilAsync("SELECT count() AS n FROM es.domain_events", 2);
        await UntilAsync("SELECT count() AS n FROM es.decisions", 2);
        await UntilAsync("SELECT count() AS n FROM es.forecasts", 2);

        Assert.Equal(
            "30.5",
            await TextAsync("SELECT playhead_ms AS n FROM es.beacons WHERE event_id = 'one-of-each' AND proven")
        );
        Assert.Equal(
            "[\"s-unproven\"]",
            await TextAsync(
                "SELECT groupArray(session_id) AS n FROM es.beacons WHERE event_id = 'one-of-each' AND NOT proven"
            )
        );
        Assert.Equal(
            "[1,1]",
            await TextAsync(
                "SELECT [sum(beacons), max(viewers)] AS n FROM es.beacon_windows WHERE content_id = '"
                    + SinkMessages.Video
                    + "'"
            )
        );
        Assert.Equal(
            "[812,\"desktop\",true]",
            await TextAsync(
                "SELECT tuple(startup_ms, device, is_finished) AS n FROM es.viewer_sessions WHERE session_id = 's-1'"
            )
        );
        Assert.Equal(
            "\"film.mp4\"",
            await TextAsync(
                "SELECT data.fileName::String AS n FROM es.domain_events WHERE type = 'video.registered.v1'"
            )
        );
        Assert.Equal("true", await TextAsync("SELECT signed AS n FROM es.requests WHERE event_id = 'one-of-each'"));
        Assert.Equal("1", await TextAsync("SELECT hit_ratio AS n FROM es.edge_hit_ratio WHERE edge = 'edge-a'"));
        Assert.Equal(
            "[\"lost.v1\",\"qoe.alert-raised.v1\",\"strange.v1\"]",
            await TextAsync("SELECT arraySort(groupArray(type)) AS n FROM es.dead_letters")
        );
    }

    [Fact]
    public async Task However_often_sink_and_engine_are_killed_every_record_is_stored_exactly_once()
    {
        const int Records = 6_000;
        using var producer = Producer();
        var sink = await StartSinkAsync();
        var publishing = PublishAsync(producer, "killed", Records, perSecond: 800);
        foreach (var stored in (int[])[500, 2_000, 3_500])
        {
            await UntilAtLeastAsync(Stored("killed"), stored);
            await sink.KillAsync();
            if (stored == 2_000)
                await engine.CrashAsync();
            sink = await StartSinkAsync();
        }

        await publishing;
        await UntilAtLeastAsync(Stored("killed"), Records);
        await using var last = sink;
        await UntilIdleAsync(sink);
        Assert.Equal(
            $"[{Records},{Records},{Records}]",
            await TextAsync(
                """
                SELECT [count(), uniqExact(k_partition, k_offset), (SELECT sum(beacons) FROM es.beacon_windows
                    WHERE content_id = 'killed')] AS n FROM es.beacons WHERE content_id = 'killed'
                """
            )
        );
    }

    [Fact]
    public async Task A_sink_that_another_one_takes_over_from_stops_and_no_record_is_doubled()
    {
        using var producer = Producer();
        var first = await StartSinkAsync();
        await PublishAsync(producer, "fenced", 200, perSecond: 400);
        await using var second = await StartSinkAsync();
        await PublishAsync(producer, "fenced", 200, perSecond: 400);
        await UntilAtLeastAsync(Stored("fenced"), 400);
        await first.UntilExitAsync();
        Assert.Contains("Another sink", first.Output);
        await UntilIdleAsync(second);
        Assert.Equal("400", await TextAsync(Stored("fenced")));
    }

    [Fact]
    public async Task A_sink_without_clickhouse_is_not_ready_and_says_so()
    {
        await using var sink = EventStreamProcess.Launch(
            "warehouse",
            ("Kafka:Bootstrap", broker.Bootstrap),
            ("ClickHouse:Password", "w"),
            ("ClickHouse:Url", $"http://127.0.0.1:{FreePort.Next()}")
        );
        await UntilAsync(() =>
            Task.FromResult(
                sink.Output.Contains("starts again", StringComparison.Ordinal)
                    && sink.Output.Contains($"at {sink.Url}", StringComparison.Ordinal)
            )
        );
        using var ready = await engine.Http.GetAsync(new Uri(sink.Url + "/health/ready"));
        Assert.False(ready.IsSuccessStatusCode);
        using var client = TestKeys.Client(TestKeys.Operator);
        using var status = await client.GetAsync(new Uri(sink.Url + "/v1/status"));
        Assert.Contains("eventstream run clickhouse", await status.Content.ReadAsStringAsync());
        Assert.Equal(0, await sink.StopAsync());
    }

    private Task<EventStreamProcess> StartSinkAsync() =>
        EventStreamProcess.StartAsync(
            "warehouse",
            [("Kafka:Bootstrap", broker.Bootstrap), ("Warehouse:BatchAgeMilliseconds", "100"), .. engine.Settings]
        );

    private static string Stored(string content) =>
        $"SELECT count() AS n FROM es.beacons WHERE content_id = '{content}'";

    private IProducer<byte[], byte[]> Producer() =>
        new ProducerBuilder<byte[], byte[]>(
            new KafkaOptions { Bootstrap = broker.Bootstrap }.ProducerConfig("warehouse-tests")
        ).Build();

    private static void Send(IProducer<byte[], byte[]> producer, Topic topic, IMessage message, string id) =>
        Send(producer, topic, MessageTypes.NameOf(message.GetType()), MessageTypes.Write(message), id);

    private static void Send(IProducer<byte[], byte[]> producer, Topic topic, string type, byte[] value, string id) =>
        producer.Produce(
            topic.Name,
            new Message<byte[], byte[]>
            {
                Key = System.Text.Encoding.UTF8.GetBytes(id),
                Value = value,
                Timestamp = new Timestamp(SinkMessages.At),
                Headers = CloudEvents.Headers(type, "/tests", id, SinkMessages.At, null),
            }
        );

    private static async Task PublishAsync(
        IProducer<byte[], byte[]> producer,
        string content,
        int records,
        int perSecond
    )
    {
        var started = Stopwatch.StartNew();
        for (var i = 0; i < records; i++)
        {
            Send(
                producer,
                Topics.PlaybackBeacons,
                SinkMessages.Beacon($"{content}-{i % 50}", content),
                $"{content}-{i}"
            );
            var ahead = TimeSpan.FromSeconds((double)i / perSecond) - started.Elapsed;
            if (ahead > TimeSpan.Zero)
                await Task.Delay(ahead);
        }

        producer.Flush(None);
    }

    /// <summary>Waits until the sink has nothing left to store, so that a record stored twice would be seen.</summary>
    private static async Task UntilIdleAsync(EventStreamProcess sink)
    {
        using var client = TestKeys.Client(TestKeys.Operator);
        var still = Stopwatch.StartNew();
        for (WarehouseStatus? last = null; ; )
        {
            var now = await client.GetFromJsonAsync<WarehouseStatus>(new Uri(sink.Url + "/v1/status"));
            if (now is { Running: true, Lag: 0 })
                return;
            if (now?.Lag != last?.Lag || now?.RowsStored != last?.RowsStored)
                still.Restart();
            last = now;
            Assert.True(still.Elapsed < Standstill, $"The sink stood still for {Standstill} at lag {now?.Lag}.");
            await Task.Delay(50);
        }
    }

    private Task UntilAsync(string sql, long value) => UntilAsync(async () => await TextAsync(sql) == $"{value}");

    /// <summary>
    /// Waits as long as the count grows: a busy machine is slow, and only one that stands still has failed.
    /// </summary>
    private async Task UntilAtLeastAsync(string sql, long value)
    {
        var still = Stopwatch.StartNew();
        for (long last = -1, now; (now = long.Parse(await TextAsync(sql))) < value; )
        {
            if (now != last)
                still.Restart();
            last = now;
            Assert.True(still.Elapsed < Standstill, $"{now} of {value} were stored and none in {Standstill} after.");
            await Task.Delay(50);
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        var waited = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(waited.Elapsed < Patience, $"The condition did not come true in {Patience}.");
            await Task.Delay(50);
        }
    }

    private async Task<string> TextAsync(string sql)
    {
        foreach (var row in await engine.RowsAsync(sql))
            return row.GetProperty("n").GetRawText();
        return "";
    }
}
