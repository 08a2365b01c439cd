using System.Text;
using EventStream.Contracts;
using EventStream.Warehouse.Sink;
using EventStream.Warehouse.Sink.Rows;

namespace EventStream.Unit.Tests.Warehouse;

public sealed class SinkBatchTests
{
    private static readonly DateTimeOffset At = new(2026, 11, 22, 8, 0, 0, 123, TimeSpan.Zero);

    [Fact]
    public void A_batch_is_due_when_it_has_its_rows()
    {
        var clock = new Clock();
        var batch = new SinkBatch(new SinkOptions { BatchRowsMax = 2 });
        batch.Take(Load(0), clock.GetTimestamp());
        Assert.False(batch.IsDue(clock));
        batch.Take(Load(1), clock.GetTimestamp());
        Assert.True(batch.IsDue(clock));
    }

    [Fact]
    public void A_batch_is_due_when_its_oldest_record_is_old()
    {
        var clock = new Clock();
        var batch = new SinkBatch(new SinkOptions { BatchAgeMilliseconds = 500 });
        Assert.False(batch.IsDue(clock));
        batch.Take(Load(0), clock.GetTimestamp());
        clock.Advance(499);
        batch.Take(Load(1), clock.GetTimestamp());
        Assert.False(batch.IsDue(clock));
        clock.Advance(1);
        Assert.True(batch.IsDue(clock));
    }

    [Fact]
    public void A_batch_is_due_when_it_has_its_bytes()
    {
        var clock = new Clock();
        var batch = new SinkBatch(new SinkOptions { BatchBytesMax = 64 << 10 });
        batch.Take(Unknown(0, new byte[64 << 10]), clock.GetTimestamp());
        Assert.True(batch.IsDue(clock));
    }

    [Fact]
    public void The_same_ranges_under_the_same_sequence_have_the_same_token_however_partitions_interleave()
    {
        var one = Batch(Load(5, 0), Load(6, 0), Load(9, 1));
        var other = Batch(Load(9, 1), Load(5, 0), Load(6, 0));
        Assert.Equal(one.Token("es.load", 7), other.Token("es.load", 7));
    }

    [Fact]
    public void Other_ranges_other_tables_and_other_sequences_have_other_tokens()
    {
        var batch = Batch(Load(5), Load(6));
        string[] tokens =
        [
            batch.Token("es.load", 7),
            batch.Token("es.load", 8),
            batch.Token("es.alerts", 7),
            Batch(Load(5), Load(7)).Token("es.load", 7),
            Batch(Load(5, 1), Load(6, 1)).Token("es.load", 7),
        ];
        Assert.Equal(tokens.Length, tokens.Distinct().Count());
    }

    [Fact]
    public void A_planned_range_keeps_its_token_when_retention_took_its_first_records()
    {
        var planned = Batch(Load(5), Load(6), Load(7));
        var repeated = new SinkBatch(new SinkOptions());
        foreach (var range in planned.Ranges)
            repeated.Cover(range);
        repeated.Take(Load(7), 0);
        Assert.Equal(planned.Token("es.load", 1), repeated.Token("es.load", 1));
    }

    [Fact]
    public void A_record_of_an_unknown_type_becomes_a_dead_letter_with_its_bytes()
    {
        var row = OnlyRow(Batch(Unknown(3, "{}"u8.ToArray())), "es.dead_letters");
        Assert.Contains("not a message of the contracts", (string)row["cause"]!);
        Assert.Equal(("e30=", "strange.v1", 3L), (row["value_base64"], row["type"], row["source_offset"]));
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("null")]
    [InlineData("[]")]
    public void A_record_that_is_not_what_it_says_becomes_a_dead_letter(string value)
    {
        var record = Load(4) with { Value = Encoding.UTF8.GetBytes(value) };
        Assert.Equal(4L, OnlyRow(Batch(record), "es.dead_letters")["k_offset"]);
    }

    [Fact]
    public void A_message_that_lacks_what_its_table_needs_becomes_a_dead_letter_and_leaves_no_half_row()
    {
        var record = Load(4) with
        {
            Topic = Topics.QoeSessions.Name,
            Type = MessageTypes.NameOf(typeof(SessionFinished)),
            Value = "{}"u8.ToArray(),
        };
        var row = OnlyRow(Batch(record), "es.dead_letters");
        Assert.Contains("lacks", (string)row["cause"]!);
    }

    [Fact]
    public void A_forecast_is_one_row_a_step()
    {
        var forecast = new ForecastPublished(
            "viewers",
            At,
            60,
            "combination",
            100,
            new Dictionary<string, double> { ["ets"] = 1 },
            [new(At, 1, 2, 3, 4), new(At.AddSeconds(60), 5, 6, 7, 8)]
        );
        var table = Assert.Single(Batch(Of(Topics.CapacityForecasts, 0, 0, forecast)).Tables);
        Assert.Equal(("es.forecasts", 2), (table.Table.Name, table.Rows.Count));
        var second = Row(table, 1);
        Assert.Equal((2, 5.0, At.AddSeconds(60).UtcDateTime), (second["step"], second["q50"], second["time"]));
    }

    [Fact]
    public void Commands_are_the_only_topics_that_are_not_stored() =>
        Assert.Equal([Topics.EncodeCommandsFirst, Topics.EncodeCommands], Topics.All.Except(RecordRouter.StoredTopics));

    [Fact]
    public void A_finished_session_is_one_row_and_one_more_for_each_edge_that_it_used()
    {
        var session = new SessionFinished(
            "s-1",
            new SessionSubject("v-1", "edge-a", "eu", "desktop", "hls.js"),
            "ended",
            new SessionQuality(812, 1, 1500, 28_000, 30_312, 2400, 2, 0, false, false),
            5,
            At,
            At.AddSeconds(30),
            [
                new SessionEdge("edge-a", "eu", 20_000, 0, 0, true, 30, 3000, 0),
                new SessionEdge("edge-b", "us", 8_000, 1, 1500, false, 12, 1200, 2),
            ]
        );

        var tables = Batch(Of(Topics.QoeSessions, 0, 0, session)).Tables;

        Assert.Equal(
            [("es.sessions", 1), ("es.session_edges", 2)],
            tables.Select(one => (one.Table.Name, one.Rows.Count))
        );
        Assert.Equal(("edge-a", 28_000.0), (Row(tables[0], 0)["edge"], Row(tables[0], 0)["played_ms"]));
        var second = Row(tables[1], 1);
        Assert.Equal(
            ("s-1", "v-1", "edge-b", "us", 1500.0, 12L, 2L),
            (
                second["session_id"],
                second["video_id"],
                second["edge"],
                second["region"],
                second["stall_ms"],
                second["requests"],
                second["request_errors"]
            )
        );
        var old = Batch(Of(Topics.QoeSessions, 0, 0, session with { Edges = null }));
        Assert.Equal("es.sessions", Assert.Single(old.Tables).Table.Name);
    }

    [Fact]
    public void What_an_operator_did_is_a_row_with_who_and_why()
    {
        var acted = new OperatorActed("edge.stop", "edge-b", "ada", "operator", "its disk fails", At, null);
        var row = OnlyRow(Batch(Of(Topics.OperatorActions, 0, 0, acted)), "es.operator_actions");
        Assert.Equal(
            ("edge.stop", "edge-b", "ada", "its disk fails", ""),
            (row["action"], row["target"], row["who"], row["reason"], row["detail"])
        );
    }

    [Fact]
    public void Rows_in_record_order_are_the_same_rows()
    {
        var table = Assert.Single(Batch(Load(9, 1), Load(6, 0), Load(5, 0)).Tables).InRecordOrder();
        Assert.Equal([(0, 5L), (0, 6L), (1, 9L)], table.Rows.Select(row => (row.Record.Partition, row.Record.Offset)));
        Assert.Equal(5L, Row(table, 0)["k_offset"]);
    }

    [Fact]
    public void A_time_that_clickhouse_cannot_hold_becomes_the_nearest_that_it_can()
    {
        var early = new LoadMeasured("viewers", DateTimeOffset.MinValue, 10, double.MaxValue, "sessions");
        var row = OnlyRow(Batch(Of(Topics.TrafficLoad, 0, 0, early)), "es.load");
        Assert.Equal(DateTime.UnixEpoch, row["time"]);
    }

    [Fact]
    public void What_is_no_number_is_none_and_what_an_old_shape_lacks_is_empty()
    {
        var steering = new SteeringDecided(null!, null!, null!, "why", At);
        var row = OnlyRow(Batch(Of(Topics.TrafficDecisions, 0, 0, steering)), "es.decisions");
        Assert.Equal(("steering", "", "why", null), (row["kind"], row["rule"], row["reason"], row["error"]));
        Assert.Empty((string[])row["pathway_priority"]!);
        Assert.Empty((Dictionary<string, double>)row["health"]!);
        var load = new LoadMeasured("viewers", At, 10, double.NaN, "sessions", double.NaN);
        var stored = Tables.Of(load)!.Read(load, Load(0));
        Assert.Equal((0.0, null), (stored.Values[3], stored.Values[5]));
    }

    [Fact]
    public void A_number_beyond_its_column_is_the_nearest_that_fits()
    {
        var request = new CdnRequestServed
        {
            Time = At,
            Edge = "edge-a",
            Method = "GET",
            Path = "/",
            Status = 70_000,
            Bytes = -1,
        };
        var row = OnlyRow(Batch(Of(Topics.CdnRequests, 0, 0, request)), "es.requests");
        Assert.Equal((65_535, 0L), (row["status"], row["bytes"]));
    }

    internal static SinkRecord Of(Topic topic, int partition, long offset, IMessage message) =>
        new(
            topic.Name,
            partition,
            offset,
            At,
            MessageTypes.NameOf(message.GetType()),
            $"event-{offset}",
            "key"u8.ToArray(),
            MessageTypes.Write(message)
        );

    private static SinkRecord Load(long offset, int partition = 0) =>
        Of(Topics.TrafficLoad, partition, offset, new LoadMeasured("viewers", At, 10, offset, "sessions"));

    private static SinkRecord Unknown(long offset, byte[] value) =>
        Load(offset) with
        {
            Type = "strange.v1",
            Value = value,
        };

    private static SinkBatch Batch(params SinkRecord[] records)
    {
        var batch = new SinkBatch(new SinkOptions());
        foreach (var record in records)
            batch.Take(record, 0);
        return batch;
    }

    private static Dictionary<string, object?> OnlyRow(SinkBatch batch, string name)
    {
        var table = Assert.Single(batch.Tables);
        Assert.Equal((name, 1), (table.Table.Name, table.Rows.Count));
        return Row(table, 0);
    }

    private static Dictionary<string, object?> Row(TableBatch table, int row) =>
        table.Table.Columns.Zip(table.Rows[row].Values).ToDictionary(pair => pair.First, pair => pair.Second);

    private sealed class Clock : TimeProvider
    {
        private long milliseconds;

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => milliseconds;

        public void Advance(long by) => milliseconds += by;
    }
}
