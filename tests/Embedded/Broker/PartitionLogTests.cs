using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Tests.Broker;

/// <summary>What a log accepts, keeps and gives back.</summary>
public sealed class PartitionLogTests : IDisposable
{
    private readonly LogFixture _fixture = new();

    [Fact]
    public void A_batch_repeated_by_its_producer_is_kept_once()
    {
        var log = _fixture.Open();
        for (var i = 0; i < 5; i++)
        {
            log.Append(Batches.Of(2, 1000, 7, 0, i * 2));
        }
        for (var i = 0; i < 5; i++)
        {
            var again = log.Append(Batches.Of(2, 1000, 7, 0, i * 2));
            Assert.Equal((ErrorCode.None, i * 2L), (again.Error, again.BaseOffset));
        }
        Assert.Equal(10, log.LogEnd);
    }

    [Fact]
    public void A_new_epoch_begins_with_sequence_zero()
    {
        var log = _fixture.Open();
        log.Append(Batches.Of(1, 1000, 7, 0, 0));
        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, log.Append(Batches.Of(1, 1000, 7, 1, 1)).Error);
        Assert.Equal(1, log.Append(Batches.Of(1, 1000, 7, 1, 0)).BaseOffset);
    }

    [Fact]
    public void Damaged_and_foreign_batches_are_refused_each_for_its_reason()
    {
        var log = _fixture.Open(("max.message.bytes", "500"));
        ErrorCode Try(Action<byte[]> damage, int records = 2)
        {
            var batch = Batches.Of(records);
            damage(batch);
            return log.Append(batch).Error;
        }
        Assert.Equal(ErrorCode.CorruptMessage, Try(b => b[^1] ^= 1));
        Assert.Equal(ErrorCode.InvalidRecord, Try(b => b[16] = 1));
        Assert.Equal(ErrorCode.InvalidRecord, Try(b => b[11]++));
        Assert.Equal(ErrorCode.InvalidRecord, Try(b => b[11]--));
        Assert.Equal(ErrorCode.MessageTooLarge, Try(_ => { }, records: 60));
        Assert.Equal(
            ErrorCode.InvalidRecord,
            Try(b =>
            {
                b[22] |= 0x20;
                BatchHeader.WriteChecksum(b);
            })
        );
        Assert.Equal(ErrorCode.InvalidRecord, log.Append(new byte[20]).Error);
        Assert.Equal(0, log.LogEnd);
    }

    [Fact]
    public void A_read_returns_whole_batches_and_at_least_one()
    {
        var log = _fixture.Open();
        for (var i = 0; i < 10; i++)
        {
            log.Append(Batches.Of(3));
        }
        using var writer = new ResponseWriter();
        var size = Batches.Of(3).Length;
        Assert.Equal(size * 2, log.Read(0, 30, size * 3 - 1, atLeastOne: true, writer).Bytes);
        Assert.Equal(size, log.Read(4, 30, 1, atLeastOne: true, writer).Bytes);
        Assert.Equal(0, log.Read(4, 30, 1, atLeastOne: false, writer).Bytes);
        Assert.Equal(size, log.Read(24, 27, 1 << 20, atLeastOne: true, writer).Bytes);
        Assert.Equal(ErrorCode.OffsetOutOfRange, log.Read(31, 40, 1, atLeastOne: true, writer).Error);
        Assert.Equal(ErrorCode.None, log.Read(30, 30, 1, atLeastOne: true, writer).Error);
    }

    [Fact]
    public void Segments_beyond_the_time_or_the_size_are_removed()
    {
        var log = _fixture.Open(("segment.bytes", "500"), ("retention.ms", "1000"), ("retention.bytes", "1500"));
        var now = _fixture.Time.GetUtcNow().ToUnixTimeMilliseconds();
        for (var i = 0; i < 100; i++)
        {
            log.Append(Batches.Of(2, now));
        }
        log.ApplyRetention(TimeSpan.FromDays(1));
        var bytes = _fixture.Segments().Sum(s => new FileInfo(s).Length);
        Assert.InRange(bytes, 1500, 2100);
        Assert.True(log.LogStart > 0);
        Assert.Equal(log.LogStart, LogFixture.Offsets(log, log.LogStart)[0]);
        _fixture.Time.Turn(TimeSpan.FromSeconds(2));
        log.ApplyRetention(TimeSpan.FromDays(1));
        Assert.Equal((200, 200), (log.LogStart, log.LogEnd));
    }

    [Fact]
    public void A_log_that_is_compacted_is_not_cut_by_age()
    {
        var log = _fixture.Open(("cleanup.policy", "compact"), ("retention.ms", "1"), ("segment.bytes", "200"));
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(ErrorCode.None, log.Append(KeyedBatches.Of("k", "v")).Error);
        }
        _fixture.Time.Turn(TimeSpan.FromDays(30));
        log.ApplyRetention(TimeSpan.FromDays(1));
        Assert.Equal(0, log.LogStart);
    }

    [Fact]
    public void LogAppendTime_stamps_the_batch_with_the_time_of_its_arrival()
    {
        var log = _fixture.Open(("message.timestamp.type", "LogAppendTime"));
        Assert.Equal(1_000_000, log.Append(Batches.Of(2, 5)).LogAppendTimeMs);
        Assert.Equal([0], LogFixture.Offsets(log, 0));
        Assert.Equal((0, 1_000_000), log.FindByTime(6));
    }

    [Fact]
    public void Every_time_between_the_records_finds_the_next_record()
    {
        var log = _fixture.Open(("segment.bytes", "2000"));
        for (var i = 0; i < 300; i++)
        {
            log.Append(Batches.Of(4, 10_000 + i * 10));
        }
        for (var i = 0; i < 300; i++)
        {
            Assert.Equal((i * 4L, 10_000L + i * 10), log.FindByTime(10_000 + i * 10 - 6));
            Assert.Equal((i * 4L + 2, 10_000L + i * 10 + 2), log.FindByTime(10_000 + i * 10 + 2));
        }
        Assert.Null(log.FindByTime(20_000));
    }

    public void Dispose() => _fixture.Dispose();
}
