using EventStream.Embedded.Broker.Compression;
using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using static EventStream.Embedded.Tests.Broker.KeyedBatches;

namespace EventStream.Embedded.Tests.Broker;

/// <summary>What compaction leaves of a log.</summary>
public sealed class CompactionTests : IDisposable
{
    private static readonly CompactionLimits Limits = CompactionLimits.Default;
    private readonly LogFixture _fixture = new();

    public static TheoryData<int> Codecs => [Codec.None, Codec.Gzip, Codec.Snappy, Codec.Lz4, Codec.Zstd];

    [Theory]
    [MemberData(nameof(Codecs))]
    public void The_last_record_of_every_key_stays_at_its_offset(int codec)
    {
        var log = Compacted(("segment.bytes", "600"));
        var appended = new List<SeenRecord>();
        for (var i = 0; i < 200; i++)
        {
            (string?, string?)[] records = [($"k{i % 7}", $"first of {i}"), ($"k{i % 11}", $"second of {i}")];
            var result = log.Append(Of(records, codec, baseTimestamp: 1000 + i * 10));
            Assert.Equal(ErrorCode.None, result.Error);
            appended.Add(new SeenRecord(result.BaseOffset, records[0].Item1, records[0].Item2));
            appended.Add(new SeenRecord(result.BaseOffset + 1, records[1].Item1, records[1].Item2));
        }
        var active = log.SegmentCount;
        var compacted = log.Compact(Limits);
        Assert.NotNull(compacted);
        Assert.Equal(0, compacted.Value.BatchesUnread);
        Assert.True(compacted.Value.BytesAfter < compacted.Value.BytesBefore / 4, $"{compacted}");
        Assert.True(log.SegmentCount < active / 4, $"{log.SegmentCount} of {active} segments are left");
        var left = Records(log);
        Assert.Equal(Table(appended), Table(left));
        Assert.Subset(appended.ToHashSet(), left.ToHashSet());
        Assert.True(left.Count < 40, $"{left.Count} records are left");
        Assert.Equal(400, log.LogEnd);
        Assert.Null(log.Compact(Limits));
        log.Abandon();
        Assert.Equal(left, Records(Compacted(("segment.bytes", "600"))));
    }

    [Fact]
    public void Headers_timestamps_and_the_search_by_time_are_as_they_were()
    {
        var log = Compacted(("segment.bytes", "400"));
        for (var i = 0; i < 50; i++)
        {
            (string?, string?)[] records = [("a", $"{i}"), ($"b{i}", "stays"), ("a", $"{i}")];
            log.Append(Of(records, Codec.Lz4, baseTimestamp: 10_000 + i * 10));
        }
        var before = Enumerable.Range(0, 45).Select(i => log.FindByTime(10_000 + i * 10 + 1)).ToList();
        log.Compact(Limits);
        Assert.Equal(before, Enumerable.Range(0, 45).Select(i => log.FindByTime(10_000 + i * 10 + 1)));
        Assert.Equal((1L, 10_001L), log.FindByTime(5000));
    }

    [Fact]
    public void A_tombstone_stays_for_its_time_and_goes_then()
    {
        (string, string)[] config = [("segment.bytes", "200"), ("delete.retention.ms", "60000")];
        var log = Compacted(config);
        Fill(log, "x", 3);
        log.Append(Of("gone", "value"));
        log.Append(Of("gone", null));
        Fill(log, "x", 6);
        log.Compact(Limits);
        Assert.Contains(Records(log), r => r is { Key: "gone", Value: null });
        Assert.DoesNotContain(Records(log), r => r is { Key: "gone", Value: "value" });
        _fixture.Time.Turn(TimeSpan.FromSeconds(59));
        Fill(log, "x", 6);
        log.Compact(Limits);
        Assert.Contains(Records(log), r => r.Key == "gone");
        log.Abandon();
        log = Compacted(config);
        _fixture.Time.Turn(TimeSpan.FromSeconds(2));
        Fill(log, "x", 6);
        log.Compact(Limits);
        Assert.DoesNotContain(Records(log), r => r.Key == "gone");
    }

    [Fact]
    public void More_keys_than_are_remembered_at_once_take_several_passes()
    {
        var log = Compacted(("segment.bytes", "1000"));
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < 100; i++)
            {
                log.Append(Of($"k{i}", $"{round}"));
            }
        }
        Fill(log, "tail", 20);
        var result = log.Compact(Limits with { KeysMax = 30 });
        Assert.True(result!.Value.Passes > 3, $"{result}");
        Assert.All(Enumerable.Range(0, 100), i => Assert.Single(Records(log), r => r.Key == $"k{i}"));
    }

    [Fact]
    public void The_active_segment_and_what_follows_an_open_transaction_are_left_alone()
    {
        var log = Compacted(("segment.bytes", "300"));
        Fill(log, "a", 10);
        log.Append(Of([("t", "open")], producerId: 7, epoch: 0, baseSequence: 0, transactional: true));
        var open = log.LastStable;
        Fill(log, "a", 40);
        log.Compact(Limits);
        Assert.Equal(40, Records(log).Count(r => r.Key == "a" && r.Offset > open));
        Assert.True(Records(log).Count(r => r.Key == "a" && r.Offset < open) < 5);
        log.AppendMarker(7, 0, commit: true);
        Fill(log, "a", 10);
        log.Compact(Limits);
        Assert.True(Records(log).Count(r => r.Key == "a") < 6);
        Assert.Single(Records(log), r => r.Key == "t");
    }

    [Fact]
    public void Young_records_wait_for_the_lag_and_old_ones_do_not_wait_for_the_ratio()
    {
        var now = _fixture.Time.GetUtcNow().ToUnixTimeMilliseconds();
        var log = Compacted(("segment.bytes", "300"), ("min.compaction.lag.ms", "10000"));
        Fill(log, "a", 20, now);
        Assert.Null(log.Compact(Limits));
        _fixture.Time.Turn(TimeSpan.FromSeconds(11));
        Assert.NotNull(log.Compact(Limits));
        log.Configure(
            new TopicConfig(
                new Dictionary<string, string>
                {
                    ["cleanup.policy"] = "compact",
                    ["segment.bytes"] = "300",
                    ["max.compaction.lag.ms"] = "60000",
                    ["min.cleanable.dirty.ratio"] = "1",
                }
            )
        );
        Fill(log, "a", 20, now + 11_000);
        Assert.Null(log.Compact(Limits));
        _fixture.Time.Turn(TimeSpan.FromSeconds(61));
        Assert.NotNull(log.Compact(Limits));
    }

    [Fact]
    public void A_compacted_topic_that_deletes_as_well_is_also_cut_by_age()
    {
        var now = _fixture.Time.GetUtcNow().ToUnixTimeMilliseconds();
        var log = _fixture.Open(
            ("cleanup.policy", "compact,delete"),
            ("segment.bytes", "300"),
            ("retention.ms", "5000")
        );
        Fill(log, "a", 20, now);
        log.Append(Of([("b", "young")], baseTimestamp: now + 4000));
        log.Compact(Limits);
        _fixture.Time.Turn(TimeSpan.FromSeconds(6));
        log.ApplyRetention(TimeSpan.FromDays(1));
        Assert.True(log.LogStart > 0);
        Assert.Contains(Records(log), r => r.Key == "b");
    }

    [Fact]
    public void A_record_without_a_key_is_refused_whatever_its_codec()
    {
        var log = Compacted();
        foreach (var codec in (int[])[0, 1, 2, 3, 4])
        {
            var refused = log.Append(Of([("k", "v"), (null, "v")], codec));
            Assert.Equal(ErrorCode.InvalidRecord, refused.Error);
            Assert.Contains("key", refused.Message, StringComparison.Ordinal);
        }
        var damaged = Of([("k", "v")], Codec.Gzip);
        damaged[^12] ^= 0x55;
        BatchHeader.WriteChecksum(damaged);
        Assert.Equal(ErrorCode.CorruptMessage, log.Append(damaged).Error);
        Assert.Equal(0, log.LogEnd);
    }

    [Fact]
    public void A_batch_that_cannot_be_unpacked_is_kept_whole_and_counted()
    {
        var log = _fixture.Open(("segment.bytes", "300"));
        var damaged = Of([("a", "unreadable")], Codec.Gzip);
        damaged[^12] ^= 0x55;
        BatchHeader.WriteChecksum(damaged);
        Assert.Equal(0, log.Append(damaged).BaseOffset);
        log.Configure(new TopicConfig(Config(("segment.bytes", "300"))));
        Fill(log, "a", 20);
        var result = log.Compact(Limits);
        Assert.Equal(1, result!.Value.BatchesUnread);
        Assert.Equal(damaged.AsSpan(16).ToArray(), Batches(log)[0].Bytes.AsSpan(16).ToArray());
    }

    private PartitionLog Compacted(params (string Name, string Value)[] config) =>
        _fixture.Open([.. Config(config).Select(c => (c.Key, c.Value))]);

    private static Dictionary<string, string> Config(params (string Name, string Value)[] config)
    {
        var all = config.ToDictionary(c => c.Name, c => c.Value);
        all["cleanup.policy"] = "compact";
        all["min.cleanable.dirty.ratio"] = "0";
        return all;
    }

    private static void Fill(PartitionLog log, string key, int count, long timestamp = 1000)
    {
        for (var i = 0; i < count; i++)
        {
            Assert.Equal(ErrorCode.None, log.Append(Of([(key, $"fill {i}")], baseTimestamp: timestamp)).Error);
        }
    }

    public void Dispose() => _fixture.Dispose();
}
