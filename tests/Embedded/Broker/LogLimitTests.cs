using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using static EventStream.Embedded.Tests.Broker.KeyedBatches;

namespace EventStream.Embedded.Tests.Broker;

/// <summary>Retention and the limits of a topic, as Apache Kafka applies them.</summary>
public sealed class LogLimitTests : IDisposable
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private readonly LogFixture _fixture = new();

    private long NowMs => _fixture.Time.GetUtcNow().ToUnixTimeMilliseconds();

    [Fact]
    public void Retention_of_zero_keeps_nothing_that_is_older_than_now()
    {
        var log = _fixture.Open(("retention.ms", "0"));
        log.Append(Of([("k", "v")], baseTimestamp: NowMs));
        log.ApplyRetention(Day);
        Assert.Equal((0, 1), (log.LogStart, log.LogEnd));
        _fixture.Time.Turn(TimeSpan.FromMilliseconds(1));
        log.ApplyRetention(Day);
        Assert.Equal((1, 1), (log.LogStart, log.LogEnd));
        log.Abandon();
        log = _fixture.Open(("retention.ms", "0"));
        Assert.Equal((1, 1), (log.LogStart, log.LogEnd));
        Assert.Equal(1, log.Append(Of("k", "v")).BaseOffset);
    }

    [Fact]
    public void Retention_of_minus_one_keeps_everything()
    {
        var log = _fixture.Open(("retention.ms", "-1"), ("segment.bytes", "100"));
        for (var i = 0; i < 5; i++)
        {
            log.Append(Of([("k", "v")], baseTimestamp: 0));
        }
        _fixture.Time.Turn(TimeSpan.FromDays(5000));
        log.ApplyRetention(Day);
        Assert.Equal(0, log.LogStart);
    }

    [Fact]
    public void A_young_record_keeps_its_segment_and_those_behind_it()
    {
        var log = _fixture.Open(("retention.ms", "1000"), ("segment.bytes", "100"));
        foreach (var age in (int[])[5000, 5000, 10, 5000, 5000])
        {
            log.Append(Of([("k", "v")], baseTimestamp: NowMs - age));
        }
        log.ApplyRetention(Day);
        Assert.Equal((2, 5), (log.LogStart, log.LogEnd));
    }

    [Fact]
    public void Retention_by_size_keeps_at_least_so_many_bytes()
    {
        var bytes = Of("k", "v").Length;
        var log = _fixture.Open(
            ("retention.bytes", $"{bytes * 2}"),
            ("retention.ms", "-1"),
            ("segment.bytes", $"{bytes}")
        );
        for (var i = 0; i < 10; i++)
        {
            log.Append(Of("k", "v"));
        }
        log.ApplyRetention(Day);
        Assert.Equal((8, bytes * 2), (log.LogStart, log.Size));
        log.Configure(new TopicConfig(new Dictionary<string, string> { ["retention.bytes"] = "0" }));
        log.ApplyRetention(Day);
        Assert.Equal((10, 0), (log.LogStart, log.Size));
    }

    [Fact]
    public void The_age_of_records_without_a_time_is_that_of_their_segment()
    {
        var log = _fixture.Open(("retention.ms", "1000"));
        log.Append(Of([("k", "v")], baseTimestamp: -1));
        log.ApplyRetention(Day);
        Assert.Equal(0, log.LogStart);
        _fixture.Time.Turn(TimeSpan.FromSeconds(2));
        log.ApplyRetention(Day);
        Assert.Equal(1, log.LogStart);
    }

    [Fact]
    public void A_segment_ends_where_its_records_span_more_than_segment_ms()
    {
        var log = _fixture.Open(("segment.ms", "1000"));
        log.Append(Of([("k", "v")], baseTimestamp: 10_000));
        log.Append(Of([("k", "v")], baseTimestamp: 11_000));
        _fixture.Time.Turn(TimeSpan.FromDays(1));
        log.Append(Of([("k", "v")], baseTimestamp: 9000));
        Assert.Equal(1, log.SegmentCount);
        log.Append(Of([("k", "v")], baseTimestamp: 11_001));
        Assert.Equal(2, log.SegmentCount);
        log.Abandon();
        log = _fixture.Open(("segment.ms", "1000"));
        log.Append(Of([("k", "v")], baseTimestamp: 12_002));
        Assert.Equal(3, log.SegmentCount);
    }

    [Theory]
    [InlineData(-1001, "before")]
    [InlineData(501, "after")]
    public void Times_beyond_the_limits_are_refused_and_those_within_accepted(int ms, string side)
    {
        var log = _fixture.Open(("message.timestamp.before.max.ms", "1000"), ("message.timestamp.after.max.ms", "500"));
        var refused = log.Append(Of([("k", "v")], baseTimestamp: NowMs + ms));
        Assert.Equal(ErrorCode.InvalidTimestamp, refused.Error);
        Assert.Contains(side, refused.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCode.None, log.Append(Of([("k", "v")], baseTimestamp: NowMs + ms - Math.Sign(ms))).Error);
        var stamped = _fixture.Open(("message.timestamp.type", "LogAppendTime"));
        Assert.Equal(ErrorCode.None, stamped.Append(Of([("k", "v")], baseTimestamp: NowMs + (ms * 100_000))).Error);
    }

    [Fact]
    public void By_default_a_record_may_be_an_hour_ahead_and_as_old_as_it_likes()
    {
        var log = _fixture.Open();
        Assert.Equal(ErrorCode.None, log.Append(Of([("k", "v")], baseTimestamp: 0)).Error);
        Assert.Equal(ErrorCode.None, log.Append(Of([("k", "v")], baseTimestamp: NowMs + 3_600_000)).Error);
        Assert.Equal(ErrorCode.InvalidTimestamp, log.Append(Of([("k", "v")], baseTimestamp: NowMs + 3_600_001)).Error);
    }

    [Fact]
    public void A_batch_too_large_for_the_topic_and_one_too_large_for_a_segment_are_told_apart()
    {
        var log = _fixture.Open(("max.message.bytes", "200"), ("segment.bytes", "150"));
        Assert.Equal(ErrorCode.MessageTooLarge, log.Append(Of("k", new string('v', 140))).Error);
        Assert.Equal(ErrorCode.RecordListTooLarge, log.Append(Of("k", new string('v', 100))).Error);
        Assert.Equal(ErrorCode.None, log.Append(Of("k", new string('v', 60))).Error);
    }

    [Fact]
    public void DeleteRecords_within_a_segment_hides_what_precedes_from_the_search_by_time()
    {
        var log = _fixture.Open();
        log.Append(Of([("a", "0"), ("a", "1"), ("a", "2"), ("a", "3")], baseTimestamp: 1000));
        Assert.Equal(2, log.DeleteBefore(2));
        Assert.Equal((2L, 1002L), log.FindByTime(0));
        log.ApplyRetention(Day);
        Assert.Equal(2, log.LogStart);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("1000000")]
    public void Any_interval_of_the_index_finds_every_offset_and_time(string interval)
    {
        var log = _fixture.Open(("index.interval.bytes", interval));
        for (var i = 0; i < 300; i++)
        {
            log.Append(Of([("k", "v")], baseTimestamp: 5000 + i));
        }
        Assert.All(Enumerable.Range(0, 300), i => Assert.Equal((i, 5000L + i), log.FindByTime(5000 + i)));
        Assert.All(Enumerable.Range(0, 300), i => Assert.Equal(i, LogFixture.Offsets(log, i)[0]));
    }

    public void Dispose() => _fixture.Dispose();
}
