using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using static EventStream.Embedded.Tests.Broker.KeyedBatches;

namespace EventStream.Embedded.Tests.Broker;

/// <summary>What compaction leaves of transactions and of the memory for idempotent producers.</summary>
public sealed class CompactedTransactionTests : IDisposable
{
    private static readonly CompactionLimits Limits = CompactionLimits.Default;
    private static readonly (string, string)[] Config =
    [
        ("cleanup.policy", "compact"),
        ("min.cleanable.dirty.ratio", "0"),
        ("segment.bytes", "300"),
        ("delete.retention.ms", "60000"),
    ];

    private readonly LogFixture _fixture = new();
    private int _fill;

    [Fact]
    public void Aborted_records_go_and_supersede_nothing()
    {
        var log = _fixture.Open(Config);
        log.Append(Of("k", "committed before"));
        Write(log, 7, 0, ("k", "aborted"), ("only", "aborted"));
        log.AppendMarker(7, 0, commit: false);
        Write(log, 7, 2, ("t", "committed"));
        log.AppendMarker(7, 0, commit: true);
        Fill(log);
        log.Compact(Limits);
        Assert.Equal([(0, "k", "committed before"), (4, "t", "committed")], Seen(log));
        Assert.Equal(Seen(log), Committed(log));
    }

    [Fact]
    public void Markers_stay_until_nothing_needs_them_and_then_for_the_retention_of_deletes()
    {
        var log = _fixture.Open(Config);
        Write(log, 7, 0, ("a", "aborted"));
        log.AppendMarker(7, 0, commit: false);
        Write(log, 7, 1, ("k", "first"));
        log.AppendMarker(7, 0, commit: true);
        Fill(log);
        log.Compact(Limits);
        Assert.Equal(2, Markers(log));
        // The abort has no records left; its marker gets a horizon now and goes when that is past.
        Write(log, 7, 2, ("k", "second"));
        log.AppendMarker(7, 0, commit: true);
        Fill(log);
        log.Compact(Limits);
        Assert.Equal(3, Markers(log));
        Assert.Single(Aborted(log));
        _fixture.Time.Turn(TimeSpan.FromSeconds(61));
        Fill(log);
        log.Compact(Limits);
        Assert.Empty(Aborted(log));
        Assert.Equal(2, Markers(log));
        Assert.Equal("second", Seen(log).Single(r => r.Key == "k").Value);
        Fill(log);
        log.Compact(Limits);
        _fixture.Time.Turn(TimeSpan.FromSeconds(61));
        Fill(log);
        log.Compact(Limits);
        Assert.Equal(1, Markers(log));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_producer_goes_on_where_it_was_though_all_its_records_are_gone(bool clean)
    {
        var log = _fixture.Open(Config);
        for (var i = 0; i < 5; i++)
        {
            Write(log, 7, i, ("k", $"{i}"), transactional: false);
        }
        Write(log, 8, 0, ("k", "8"), ("k", "8"));
        log.AppendMarker(8, 0, commit: false);
        log.Append(Of("k", "last"));
        Fill(log);
        log.Compact(Limits);
        Assert.Equal(["last"], Seen(log).Select(r => r.Value));
        if (clean)
        {
            log.Close();
        }
        else
        {
            log.Abandon();
            // Without its snapshot the log alone has to tell.
            File.Delete(Path.Combine(_fixture.Folder, "producers.snapshot"));
        }
        log = _fixture.Open(Config);
        Assert.Equal(log.LogEnd, log.LastStable);
        Assert.Equal(4, log.Append(Of([("k", "4")], producerId: 7, epoch: 0, baseSequence: 4)).BaseOffset);
        var gap = log.Append(Of([("k", "gap")], producerId: 7, epoch: 0, baseSequence: 9));
        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, gap.Error);
        Assert.Equal(ErrorCode.None, log.Append(Of([("k", "5")], producerId: 7, epoch: 0, baseSequence: 5)).Error);
        Assert.Equal(ErrorCode.None, log.Append(Of([("k", "8")], producerId: 8, epoch: 0, baseSequence: 2)).Error);
    }

    [Fact]
    public void Random_transactions_read_the_same_before_and_after_any_number_of_compactions()
    {
        var random = new Random(11);
        var log = _fixture.Open(Config);
        var sequences = new int[4];
        var open = new bool[4];
        for (var step = 0; step < 800; step++)
        {
            var producer = random.Next(4);
            if (open[producer] && random.Next(3) == 0)
            {
                log.AppendMarker(producer, 0, commit: random.Next(2) == 0);
                open[producer] = false;
            }
            else
            {
                var value = random.Next(10) == 0 ? null : $"{step}";
                Write(log, producer, sequences[producer]++, ($"k{random.Next(12)}", value));
                open[producer] = true;
            }
            if (step % 80 == 79)
            {
                _fixture.Time.Turn(TimeSpan.FromSeconds(random.Next(90)));
                var before = Table(Committed(log).Select(r => new SeenRecord(r.Offset, r.Key, r.Value)));
                log.Compact(Limits);
                Assert.Equal(before, Table(Committed(log).Select(r => new SeenRecord(r.Offset, r.Key, r.Value))));
                if (random.Next(2) == 0)
                {
                    var (stable, end) = (log.LastStable, log.LogEnd);
                    log.Abandon();
                    log = _fixture.Open(Config);
                    Assert.Equal((stable, end), (log.LastStable, log.LogEnd));
                    Assert.Equal(before, Table(Committed(log).Select(r => new SeenRecord(r.Offset, r.Key, r.Value))));
                }
            }
        }
    }

    private static void Write(
        PartitionLog log,
        long producer,
        int sequence,
        (string, string?) record,
        (string, string?)? second = null,
        bool transactional = true
    )
    {
        List<(string?, string?)> records = second is { } more ? [record, more] : [record];
        var batch = Of(records, producerId: producer, epoch: 0, baseSequence: sequence, transactional: transactional);
        Assert.Equal(ErrorCode.None, log.Append(batch).Error);
    }

    /// <summary>Completes segments with records of one key, of which one is left after compaction.</summary>
    private void Fill(PartitionLog log)
    {
        for (var i = 0; i < 6; i++)
        {
            log.Append(Of([("fill", $"fill {_fill++}")]));
        }
    }

    private static int Markers(PartitionLog log) =>
        Batches(log).Count(b => b.Header is { IsControl: true, RecordCount: > 0 });

    private static List<AbortedTransaction> Aborted(PartitionLog log)
    {
        var aborted = new List<AbortedTransaction>();
        log.CollectAborted(0, log.LogEnd, aborted);
        return aborted;
    }

    private static List<(long Offset, string? Key, string? Value)> Seen(PartitionLog log) =>
        [.. Records(log).Where(r => r.Key != "fill").Select(r => (r.Offset, r.Key, r.Value))];

    /// <summary>What a read_committed consumer makes of the batches and the list of aborted transactions.</summary>
    private static List<(long Offset, string? Key, string? Value)> Committed(PartitionLog log)
    {
        var ahead = new Queue<AbortedTransaction>(Aborted(log).OrderBy(a => a.FirstOffset));
        var aborted = new HashSet<long>();
        var seen = new List<(long, string?, string?)>();
        foreach (var (header, bytes) in Batches(log).Where(b => b.Header.LastOffset < log.LastStable))
        {
            while (ahead.TryPeek(out var next) && next.FirstOffset <= header.LastOffset)
            {
                aborted.Add(ahead.Dequeue().ProducerId);
            }
            if (header.IsControl)
            {
                if (!ControlBatch.IsCommit(bytes))
                {
                    aborted.Remove(header.ProducerId);
                }
            }
            else if (!header.IsTransactional || !aborted.Contains(header.ProducerId))
            {
                seen.AddRange(Records(bytes).Where(r => r.Key != "fill").Select(r => (r.Offset, r.Key, r.Value)));
            }
        }
        return seen;
    }

    public void Dispose() => _fixture.Dispose();
}
