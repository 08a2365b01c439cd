using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Tests.Broker;

/// <summary>What a log is after a crash.</summary>
public sealed class LogRecoveryTests : IDisposable
{
    private readonly LogFixture _fixture = new();

    [Fact]
    public void A_tail_torn_at_any_byte_is_cut_off_and_what_precedes_it_is_kept()
    {
        var batch = Batches.Of(3);
        var log = _fixture.Open();
        log.Append(Batches.Of(3));
        log.Append(Batches.Of(3));
        log.Abandon();
        var whole = File.ReadAllBytes(_fixture.Segments()[0]);
        for (var torn = 0; torn < batch.Length; torn++)
        {
            File.WriteAllBytes(_fixture.Segments()[0], whole[..(batch.Length + torn)]);
            var recovered = _fixture.Open();
            Assert.Equal(3, recovered.LogEnd);
            Assert.Equal(3, recovered.Append(Batches.Of(1)).BaseOffset);
            Assert.Equal([0, 3], LogFixture.Offsets(recovered, 0));
            recovered.Abandon();
        }
    }

    [Fact]
    public void A_flipped_bit_ends_the_log_where_it_lies()
    {
        var log = _fixture.Open();
        log.Append(Batches.Of(3));
        log.Append(Batches.Of(3));
        log.Abandon();
        var bytes = File.ReadAllBytes(_fixture.Segments()[0]);
        bytes[^1] ^= 0x40;
        File.WriteAllBytes(_fixture.Segments()[0], bytes);
        Assert.Equal(3, _fixture.Open().LogEnd);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Sequences_and_epochs_of_producers_survive(bool clean)
    {
        var log = _fixture.Open(("segment.bytes", "300"));
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(ErrorCode.None, log.Append(Batches.Of(1, 1000 + i, 7, 2, i)).Error);
        }
        Stop(log, clean);
        log = _fixture.Open(("segment.bytes", "300"));
        Assert.Equal(19, log.Append(Batches.Of(1, 1019, 7, 2, 19)).BaseOffset);
        Assert.Equal(20, log.LogEnd);
        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, log.Append(Batches.Of(1, 1, 7, 2, 25)).Error);
        Assert.Equal(ErrorCode.InvalidProducerEpoch, log.Append(Batches.Of(1, 1, 7, 1, 20)).Error);
        Assert.Equal(20, log.Append(Batches.Of(1, 1, 7, 2, 20)).BaseOffset);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Open_and_aborted_transactions_survive(bool clean)
    {
        var log = _fixture.Open(("segment.bytes", "300"));
        log.Append(Batches.Of(2, 1000, 7, 0, 0, transactional: true));
        log.AppendMarker(7, 0, commit: false);
        log.Append(Batches.Of(2, 1000, 8, 0, 0, transactional: true));
        log.Append(Batches.Of(2));
        Stop(log, clean);
        log = _fixture.Open(("segment.bytes", "300"));
        Assert.Equal((3, 7), (log.LastStable, log.LogEnd));
        var aborted = new List<AbortedTransaction>();
        log.CollectAborted(0, 7, aborted);
        Assert.Equal([new AbortedTransaction(7, 0, 2)], aborted);
        log.AppendMarker(8, 0, commit: true);
        Assert.Equal(8, log.LastStable);
    }

    [Fact]
    public void A_log_of_many_segments_reads_the_same_after_a_crash()
    {
        var log = _fixture.Open(("segment.bytes", "1000"));
        for (var i = 0; i < 200; i++)
        {
            log.Append(Batches.Of(2, 1000 + i));
        }
        var before = LogFixture.Offsets(log, 0);
        Assert.True(_fixture.Segments().Length > 10);
        log.Abandon();
        log = _fixture.Open(("segment.bytes", "1000"));
        Assert.Equal(before, LogFixture.Offsets(log, 0));
        Assert.Equal(before[100..], LogFixture.Offsets(log, 200));
        Assert.Equal((299, 1150), log.FindByTime(1150));
    }

    [Fact]
    public void The_start_of_the_log_survives()
    {
        var log = _fixture.Open();
        log.Append(Batches.Of(10));
        Assert.Equal(4, log.DeleteBefore(4));
        Assert.Null(log.DeleteBefore(11));
        log.Abandon();
        log = _fixture.Open();
        Assert.Equal((4, 10), (log.LogStart, log.LogEnd));
    }

    [Fact]
    public void A_journal_torn_at_any_byte_keeps_what_precedes()
    {
        var path = Path.Combine(_fixture.Folder, "j.journal");
        using (var journal = Journal.Open(path, flush: false))
        {
            journal.Put(new JournalEntry("a", [1]));
            journal.Put(new JournalEntry("b", [2, 3]));
        }
        var whole = File.ReadAllBytes(path);
        var first = (int)new FileInfo(path).Length / 2 - 1;
        for (var length = first + 1; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            using var journal = Journal.Open(path, flush: false);
            Assert.Equal(["a"], journal.Entries.Keys);
        }
    }

    [Fact]
    public void A_journal_that_is_mostly_history_is_written_anew()
    {
        var path = Path.Combine(_fixture.Folder, "j.journal");
        using (var journal = Journal.Open(path, flush: false))
        {
            for (var i = 0; i < 3000; i++)
            {
                journal.Put(new JournalEntry("k" + i % 3, new byte[1000]), new JournalEntry("gone", null));
            }
        }
        Assert.True(new FileInfo(path).Length < 1_100_000);
        using var again = Journal.Open(path, flush: false);
        Assert.Equal(["k0", "k1", "k2"], again.Entries.Keys.Order());
    }

    public void Dispose() => _fixture.Dispose();

    private static void Stop(PartitionLog log, bool clean)
    {
        if (clean)
        {
            log.Close();
        }
        else
        {
            log.Abandon();
        }
    }
}
