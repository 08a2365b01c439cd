using EventStream.Embedded.Broker.Log;
using static EventStream.Embedded.Tests.Broker.KeyedBatches;

namespace EventStream.Embedded.Tests.Broker;

/// <summary>When a log is brought to the disk, and what a start has to verify.</summary>
public sealed class LogFlushTests : IDisposable
{
    private static readonly (string, string) Small = ("segment.bytes", "1000");
    private readonly LogFixture _fixture = new();

    [Fact]
    public async Task Appends_that_wait_together_share_one_flush()
    {
        _fixture.FlushAlways = true;
        var log = _fixture.Open();
        var ends = Enumerable.Range(0, 100).Select(i => log.Append(Of("k", $"{i}")).BaseOffset + 1).ToList();
        Assert.True(log.IsFlushDue);
        await Task.WhenAll(ends.Select(end => log.FlushAsync(end, CancellationToken.None).AsTask()));
        Assert.Equal(1, _fixture.Counters.Flushes);
        Assert.False(log.IsFlushDue);
    }

    [Fact]
    public async Task A_flush_reaches_segments_that_were_completed_meanwhile()
    {
        _fixture.FlushAlways = true;
        var log = _fixture.Open(Small);
        for (var i = 0; i < 100; i++)
        {
            log.Append(Of("k", $"{i}"));
        }
        await log.FlushAsync(log.LogEnd, CancellationToken.None);
        Assert.True(log.SegmentCount > 5);
        Assert.Equal(log.SegmentCount, _fixture.Counters.Flushes);
    }

    [Fact]
    public async Task A_topic_may_ask_for_a_flush_after_so_many_records()
    {
        var log = _fixture.Open(("flush.messages", "3"));
        log.Append(Of([("k", "1"), ("k", "2")]));
        Assert.False(log.IsFlushDue);
        log.Append(Of("k", "3"));
        Assert.True(log.IsFlushDue);
        await log.FlushAsync(log.LogEnd, CancellationToken.None);
        Assert.Equal(1, _fixture.Counters.Flushes);
        log.Append(Of("k", "4"));
        Assert.False(log.IsFlushDue);
    }

    [Fact]
    public void A_topic_may_ask_for_a_flush_after_some_time()
    {
        var log = _fixture.Open(("flush.ms", "5000"));
        log.FlushInBackground();
        log.Append(Of("k", "1"));
        _fixture.Time.Turn(TimeSpan.FromSeconds(5));
        log.FlushInBackground();
        Assert.Equal(1, _fixture.Counters.Flushes);
        log.Append(Of("k", "2"));
        _fixture.Time.Turn(TimeSpan.FromSeconds(4));
        log.FlushInBackground();
        Assert.Equal(1, _fixture.Counters.Flushes);
        _fixture.Time.Turn(TimeSpan.FromSeconds(1));
        log.FlushInBackground();
        Assert.Equal(2, _fixture.Counters.Flushes);
    }

    [Fact]
    public void After_a_clean_stop_nothing_is_verified_and_after_a_kill_only_the_active_segment()
    {
        var log = Fill();
        log.Close();
        log = _fixture.Open(Small);
        Assert.Equal((0, 200), (log.BytesVerified, log.LogEnd));
        log.Abandon();
        log = _fixture.Open(Small);
        Assert.Equal(new FileInfo(_fixture.Segments()[^1]).Length, log.BytesVerified);
        Assert.Equal(200, log.LogEnd);
    }

    [Fact]
    public void After_the_loss_of_power_what_was_not_flushed_is_verified()
    {
        var log = Fill();
        var size = log.Size;
        log.Abandon();
        _fixture.TrustsUnflushed = false;
        log = _fixture.Open(Small);
        Assert.Equal(size, log.BytesVerified);
        for (var i = 0; i < 50; i++)
        {
            log.Append(Of("k", $"{i}"));
        }
        log.FlushInBackground();
        log.Append(Of("k", "last"));
        log.Abandon();
        log = _fixture.Open(Small);
        Assert.Equal(new FileInfo(_fixture.Segments()[^1]).Length, log.BytesVerified);
        Assert.Equal(251, log.LogEnd);
    }

    [Fact]
    public void A_segment_that_the_loss_of_power_left_damaged_loses_its_end_and_the_log_nothing_else()
    {
        Fill().Abandon();
        var (damaged, next) = (_fixture.Segments()[^3], _fixture.Segments()[^2]);
        using (var file = File.OpenHandle(damaged, FileMode.Open, FileAccess.ReadWrite))
        {
            RandomAccess.Write(file, new byte[300], RandomAccess.GetLength(file) - 300);
        }
        _fixture.TrustsUnflushed = false;
        var log = _fixture.Open(Small);
        var missing = Enumerable.Range(0, 200).Except(Records(log).Select(r => (int)r.Offset)).ToList();
        Assert.InRange(missing.Count, 1, 10);
        Assert.Equal(long.Parse(Path.GetFileNameWithoutExtension(next)) - 1, missing[^1]);
        Assert.Equal(200, log.Append(Of("k", "next")).BaseOffset);
    }

    private PartitionLog Fill()
    {
        var log = _fixture.Open(Small);
        for (var i = 0; i < 200; i++)
        {
            log.Append(Of("k", $"{i}"));
        }
        return log;
    }

    public void Dispose() => _fixture.Dispose();
}
