using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using static EventStream.Embedded.Tests.Broker.KeyedBatches;

namespace EventStream.Embedded.Tests.Broker;

/// <summary>Compaction beside readers and writers, and cut off at any point.</summary>
public sealed class CompactionCrashTests : IDisposable
{
    private static readonly (string, string)[] Config =
    [
        ("cleanup.policy", "compact"),
        ("min.cleanable.dirty.ratio", "0"),
        ("segment.bytes", "4000"),
    ];

    /// <summary>Records of the run beside readers, at most.</summary>
    private const int RecordsMax = 400_000;

    /// <summary>Passes of the compaction and reads of the whole log, at least, while records are appended.</summary>
    private const int RoundsMin = 10;

    private readonly LogFixture _fixture = new();

    /// <summary>
    /// The steps of an exchange, from the file that was never decided on to all but the last renaming.
    /// </summary>
    [Theory]
    [InlineData("cleaned")]
    [InlineData("decided")]
    [InlineData("first removed")]
    [InlineData("all removed")]
    public void A_crash_between_any_two_steps_of_the_exchange_leaves_a_whole_log(string step)
    {
        var log = _fixture.Open(Config);
        for (var i = 0; i < 400; i++)
        {
            log.Append(Of($"k{i % 10}", $"{i}"));
        }
        var active = Path.GetFileName(_fixture.Segments()[^1]);
        log.Abandon();
        var old = _fixture.Segments()[..^1].ToDictionary(path => Path.GetFileName(path), File.ReadAllBytes);
        log = _fixture.Open(Config);
        var table = Table(Records(log));
        log.Compact(CompactionLimits.Default);
        var (left, end) = (Records(log), log.LogEnd);
        log.Abandon();
        Assert.Equal(2, _fixture.Segments().Length);
        var compacted = _fixture.Segments()[0];
        var swap = Path.Combine(_fixture.Folder, $"{0:D20}-{long.Parse(active[..20]):D20}.swap");
        File.Move(compacted, step == "cleaned" ? Path.ChangeExtension(compacted, ".cleaned") : swap);
        File.Delete(Path.ChangeExtension(compacted, ".index"));
        foreach (
            var (name, bytes) in step switch
            {
                "all removed" => [],
                "first removed" => old.Where(o => o.Key != Path.GetFileName(compacted)),
                _ => old.AsEnumerable(),
            }
        )
        {
            File.WriteAllBytes(Path.Combine(_fixture.Folder, name!), bytes);
        }
        log = _fixture.Open(Config);
        Assert.Equal((0L, end), (log.LogStart, log.LogEnd));
        Assert.Equal(table, Table(Records(log)));
        Assert.Equal(step == "cleaned" ? 400 : left.Count, Records(log).Count);
        Assert.Empty(Directory.GetFiles(_fixture.Folder, "*.swap"));
        Assert.Empty(Directory.GetFiles(_fixture.Folder, "*.cleaned"));
        log.Append(Of("k0", "after"));
        Assert.Equal(end, Records(log)[^1].Offset);
    }

    [Fact]
    public async Task Readers_miss_nothing_while_segments_are_exchanged_and_records_appended()
    {
        var log = _fixture.Open(Config);
        var written = new int[20];
        var (passes, reads) = (0, 0);
        log.Append(Of([("k0", "0")], baseTimestamp: 1000));
        using var stop = new CancellationTokenSource();
        var compacting = OnThreadOfItsOwn(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                Interlocked.Add(ref passes, log.Compact(CompactionLimits.Default, CancellationToken.None)?.Passes ?? 0);
            }
        });
        var reading = OnThreadOfItsOwn(() =>
        {
            for (; !stop.IsCancellationRequested; Interlocked.Increment(ref reads))
            {
                var atLeast = written.Select((_, i) => Volatile.Read(ref written[i])).ToArray();
                var records = Records(log);
                Assert.Equal(records.OrderBy(r => r.Offset), records);
                var table = Table(records);
                for (var i = 0; i < atLeast.Length; i++)
                {
                    Assert.True(atLeast[i] == 0 || int.Parse(table[$"k{i}"]) >= atLeast[i], $"k{i} fell back");
                }
                AssertIsFoundOrReplaced(log, records[0]);
                AssertIsFoundOrReplaced(log, records[^1]);
            }
        });
        bool WentTogether() => Volatile.Read(ref passes) >= RoundsMin && Volatile.Read(ref reads) >= RoundsMin;
        // On a busy machine the other two may begin late; the records go on until all three were at it together.
        for (var i = 1; i <= 4000 || (i <= RecordsMax && !WentTogether()); i++)
        {
            if (reading.IsCompleted || compacting.IsCompleted)
                break;
            log.Append(Of([($"k{i % 20}", $"{i}")], baseTimestamp: 1000 + log.LogEnd));
            Volatile.Write(ref written[i % 20], i);
        }
        await stop.CancelAsync();
        await Task.WhenAll(compacting, reading);
        Assert.True(WentTogether(), $"{passes} passes, {reads} reads");
        Assert.All(Records(log), record => Assert.Equal(record.Offset, FindByOwnTime(log, record)));
    }

    /// <summary>
    /// A record that was read is found by its time, unless one of its key came after it: then a pass of the compaction
    /// may have taken it away since it was read, and the next record that is left is the answer.
    /// </summary>
    private static void AssertIsFoundOrReplaced(PartitionLog log, SeenRecord read)
    {
        if (FindByOwnTime(log, read) is var found && found != read.Offset)
        {
            Assert.True(found > read.Offset, $"the time of offset {read.Offset} led to {found}");
            Assert.NotEqual(read.Value, Table(Records(log))[read.Key!]);
        }
    }

    private static long? FindByOwnTime(PartitionLog log, SeenRecord record) =>
        log.FindByTime(1000 + record.Offset)?.Offset;

    /// <summary>A loop that takes no thread of the pool, of which a small machine has as few as two.</summary>
    private static Task OnThreadOfItsOwn(Action loop) =>
        Task.Factory.StartNew(loop, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    [Fact]
    public async Task Closing_a_log_breaks_its_compaction_off_and_leaves_no_file_behind()
    {
        var log = _fixture.Open(Config);
        for (var i = 0; i < 3000; i++)
        {
            log.Append(Of($"k{i}", $"{i}"));
        }
        var compacting = Task.Run(() => log.Compact(CompactionLimits.Default, CancellationToken.None));
        log.Close();
        await compacting;
        Assert.Empty(Directory.GetFiles(_fixture.Folder, "*.cleaned"));
        var again = _fixture.Open(Config);
        Assert.Equal(3000, again.LogEnd);
        Assert.Equal(3000, Records(again).Count);
    }

    [Fact]
    public void A_damaged_segment_is_not_compacted_and_the_log_goes_on()
    {
        var log = _fixture.Open(Config);
        for (var i = 0; i < 400; i++)
        {
            log.Append(Of($"k{i % 10}", $"{i}"));
        }
        log.Close();
        using (var file = File.OpenHandle(_fixture.Segments()[1], FileMode.Open, FileAccess.ReadWrite))
        {
            RandomAccess.Write(file, new byte[200], 100);
        }
        log = _fixture.Open(Config);
        Assert.Null(log.Compact(CompactionLimits.Default));
        Assert.True(_fixture.Segments().Length > 2);
        Assert.Equal(ErrorCode.None, log.Append(Of("k0", "more")).Error);
    }

    public void Dispose() => _fixture.Dispose();
}
