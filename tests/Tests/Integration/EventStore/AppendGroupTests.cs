using EventStream.EventStore;
using EventStream.EventStore.Postgres;
using EventStream.Tests.Kit;
using Npgsql;

namespace EventStream.Tests.Integration.EventStore;

/// <summary>
/// Appends that share one transaction because they came while the lock of another stream held up the one before them.
/// </summary>
[Trait("Category", "Integration")]
public sealed class AppendGroupTests : AppendsTogether
{
    [Fact]
    public async Task Each_has_its_own_outcome_and_those_that_are_refused_harm_no_other()
    {
        var repeated = New(2);
        foreach (var stream in (string[])["a", "archived", "behind", "tombstoned", "z"])
            await AppendAsync($"video-{stream}", 0, New(1));
        await AppendAsync("video-repeated", 0, New(1));
        var first = await AppendAsync("video-repeated", 1, repeated);
        await Store.ArchiveAsync("video-archived", None);
        await Store.TombstoneAsync("video-tombstoned", "a test", None);
        var (one, three) = (New(1), New(3));
        var outcomes = await TogetherAsync(
            ("video-z", 1, three), ("video-behind", 4, New(2)), ("video-repeated", 1, repeated),
            ("video-archived", 1, New(1)), ("video-tombstoned", 2, New(1)), ("video-nowhere", 3, New(2)),
            ("video-a", 1, one));
        Assert.Equal(4, (await outcomes[0]).Version);
        Assert.Equal(1, (await Assert.ThrowsAsync<WrongExpectedVersionException>(() => outcomes[1])).Actual);
        Assert.Equal(first with { Repeated = true }, await outcomes[2]);
        await Assert.ThrowsAsync<StreamArchivedException>(() => outcomes[3]);
        await Assert.ThrowsAsync<StreamTombstonedException>(() => outcomes[4]);
        Assert.Equal(0, (await Assert.ThrowsAsync<WrongExpectedVersionException>(() => outcomes[5])).Actual);
        Assert.Equal(2, (await outcomes[6]).Version);
        Assert.Equal(three.Select(e => e.Id), await IdsAsync("video-z", from: 2));
        Assert.Equal(one.Select(e => e.Id), await IdsAsync("video-a", from: 2));
        await AssertOneTransactionAsync("video-a", "video-z");
    }

    [Fact]
    public async Task Streams_that_start_together_share_a_transaction_but_for_one_that_is_there_already()
    {
        await AppendAsync("video-b", 0, New(1));
        var events = new[] { New(2), New(1), New(3), New(10) };
        var outcomes = await TogetherAsync(
            ("video-d", 0, events[0]), ("video-b", 0, events[1]), ("video-a", 0, events[2]), ("video-c", 0, events[3]));
        Assert.Equal(1, (await Assert.ThrowsAsync<WrongExpectedVersionException>(() => outcomes[1])).Actual);
        Assert.Equal([2L, 3, 10], (await Task.WhenAll(outcomes[0], outcomes[2], outcomes[3])).Select(r => r.Version));
        foreach (var (stream, i) in new[] { ("video-d", 0), ("video-a", 2), ("video-c", 3) })
        {
            Assert.Equal(events[i].Select(e => e.Id), await IdsAsync(stream, from: 1));
            Assert.Equal([$"{(await outcomes[i]).Position}"], await Rig.RowsAsync(
                $"select max(position) from events where stream = '{stream}'"));
        }

        await AssertOneTransactionAsync("video-a", "video-c", "video-d");
        // What was started together is appended to as any other.
        Assert.Equal(11, (await AppendAsync("video-c", 10, New(1))).Version);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_used_id_of_this_or_an_older_partition_is_refused_and_the_others_are_appended(int blocks)
    {
        var used = New(1);
        await AppendAsync("video-a", 0, used);
        await AppendAsync("video-b", 0, New(1));
        await AppendAsync("video-c", 0, New(1));
        await Rig.ExecuteAsync($"select setval('event_positions', {(blocks * EventPartitions.Size) + 100})");
        var outcomes = await TogetherAsync(
            ("video-a", 1, [.. New(1), used[0]]), ("video-b", 1, New(2)), ("video-c", 1, New(1)));
        await Assert.ThrowsAsync<DuplicateEventException>(() => outcomes[0]);
        Assert.Equal([3L, 2], (await Task.WhenAll(outcomes[1], outcomes[2])).Select(r => r.Version));
        Assert.Equal([used[0].Id], await IdsAsync("video-a", from: 1));
        // Nothing of the refused group was kept: the next versions follow without a gap.
        outcomes = await TogetherAsync(("video-a", 1, New(2)), ("video-b", 3, New(1)), ("video-c", 2, New(4)));
        Assert.Equal([3L, 4, 6], (await Task.WhenAll(outcomes)).Select(r => r.Version));
        await AssertOneTransactionAsync("video-a", "video-b", "video-c");
    }

    [Fact]
    public async Task A_connection_that_is_lost_over_a_refused_one_changes_nothing_for_those_that_were_appended()
    {
        await using var network = new TcpProxy(new NpgsqlConnectionStringBuilder(Rig.Options.ConnectionString).Port);
        await using var far = await StoreRig.OpenAsync(Rig.Options with
        {
            ConnectionString = new NpgsqlConnectionStringBuilder(Rig.Options.ConnectionString) { Port = network.Port }
                .ConnectionString,
        });
        UseStore(far.Open(new StoreOptions { MasterKey = Rig.Options.MasterKey, GroupsMax = 1 }));
        await AppendAsync("video-a", 0, New(1));
        await AppendAsync("video-refused", 0, New(1));
        await using var connection = await Rig.Source.OpenConnectionAsync(None);
        await using var transaction = await connection.BeginTransactionAsync(None);
        await using var hold = new NpgsqlCommand(
            "select from streams where id = 'video-refused' for update", connection);
        await hold.ExecuteNonQueryAsync(None);
        var outcomes = await BeginTogetherAsync(
            ("video-refused", 7, New(1)), ("video-a", 1, New(1)), ("video-z", 9, New(1)));
        await StoreRig.EventuallyAsync(async () => (await Rig.RowsAsync(
            $"select 1 from pg_stat_activity where {connection.ProcessID} = any (pg_blocking_pids(pid))")).Count == 1);
        network.Cut();
        Assert.Equal(2, (await outcomes[1]).Version);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => outcomes[0]);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => outcomes[2]);
    }
}
