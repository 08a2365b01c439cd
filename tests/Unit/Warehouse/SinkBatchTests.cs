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
        var row = OnlyRow<DeadLetterRow>(Batch(Unknown(3, "{}"u8.ToArray())), Tables.DeadLetters);
        Assert.Contains("not a message of the contracts", row.Cause);
        Assert.Equal("e30=", row.ValueBase64);
        Assert.Equal(("strange.v1", 3), (row.Type, row.SourceOffset));
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("null")]
    [InlineData("[]")]
    public void A_record_that_is_not_what_it_says_becomes_a_dead_letter(string value)
    {
        var record = Load(4) with { Value = Encoding.UTF8.GetBytes(value) };
        Assert.Equal(4UL, OnlyRow<DeadLetterRow>(Batch(record), Tables.DeadLetters).Offset);
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
        var row = OnlyRow<DeadLetterRow>(Batch(record), Tables.DeadLetters);
        Assert.Contains("lacks", row.Cause);
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
        Assert.Equal((Tables.Forecasts, 2), (table.Table, table.Rows));
        var second = Assert.IsType<ForecastRow>(table[1]);
        Assert.Equal((2U, 5.0, At.AddSeconds(60).UtcDateTime), (second.Step, second.Q50, second.Time));
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

        Assert.Equal([(Tables.Sessions, 1), (Tables.SessionEdges, 2)], tables.Select(one => (one.Table, one.Rows)));
        var second = Assert.IsType<SessionEdgeRow>(tables[1][1]);
        Assert.Equal(
            ("s-1", "edge-b", "us", 1500.0, 12L, 2L),
            (second.SessionId, second.Edge, second.Region, second.StallMs, second.Requests, second.RequestErrors)
        );
        var old = Batch(Of(Topics.QoeSessions, 0, 0, session with { Edges = null }));
        Assert.Equal(Tables.Sessions, Assert.Single(old.Tables).Table);
    }

    [Fact]
    public void What_an_operator_did_is_a_row_with_who_and_why()
    {
        var acted = new OperatorActed("edge.stop", "edge-b", "ada", "operator", "its disk fails", At, null);
        var row = OnlyRow<OperatorActionRow>(Batch(Of(Topics.OperatorActions, 0, 0, acted)), Tables.OperatorActions);
        Assert.Equal(
            ("edge.stop", "edge-b", "ada", "its disk fails", ""),
            (row.Action, row.Target, row.Who, row.Reason, row.Detail)
        );
    }

    [Fact]
    public void Rows_in_record_order_are_the_same_rows()
    {
        var table = Assert.Single(Batch(Load(9, 1), Load(6, 0), Load(5, 0)).Tables).InRecordOrder();
        Assert.Equal(
            [(0, 5L), (0, 6L), (1, 9L)],
            Enumerable.Range(0, 3).Select(row => (table[row].Record.Partition, table[row].Record.Offset))
        );
        Assert.Equal(5UL, table[0].Offset);
    }

    [Fact]
    public void A_time_that_clickhouse_cannot_hold_becomes_the_nearest_that_it_can()
    {
        var early = new LoadMeasured("viewers", DateTimeOffset.MinValue, 10, double.MaxValue, "sessions");
        var row = OnlyRow<LoadRow>(Batch(Of(Topics.TrafficLoad, 0, 0, early)), Tables.Load);
        Assert.Equal(DateTime.UnixEpoch, row.Time);
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

    private static TRow OnlyRow<TRow>(SinkBatch batch, string name)
        where TRow : StoredRow
    {
        var table = Assert.Single(batch.Tables, table => table.Rows > 0);
        Assert.Equal((name, 1), (table.Table, table.Rows));
        return Assert.IsType<TRow>(table[0]);
    }

    private sealed class Clock : TimeProvider
    {
        private long milliseconds;

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => milliseconds;

        public void Advance(long by) => milliseconds += by;
    }
}
