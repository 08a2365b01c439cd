using EventStream.EventStore.Daemon;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Tools;
using EventStream.Tests.Kit;
using Npgsql;

namespace EventStream.Tests.Integration.EventStore;

/// <summary>
/// The mark on a server of its own, where every transaction is the test's. What it does beside other writers is seen in
/// PostgresEventStoreTests.
/// </summary>
[Trait("Category", "Integration")]
public sealed class HighWaterTests : IAsyncLifetime
{
    private const string Draw =
        """
        select positions[1] from append_events(
            array['default'], array['video-slow'], array[0]::bigint[], array['{}'::jsonb], array[1],
            array[gen_random_uuid()], array['video.published.v1'],
            array['{"videoId":"0190b5e4-0000-7000-8000-000000000000",
                "publishedAt":"2026-11-01T12:00:00Z"}'::jsonb], true)
        """;

    private StoreRig rig = null!;

    public async Task InitializeAsync() =>
        rig = await StoreRig.OpenAsync(await PostgresFixture.QuietOptionsAsync("mark"));

    public async Task DisposeAsync() => await rig.DisposeAsync();

    [Fact]
    public async Task It_does_not_pass_the_newest_transaction_that_still_runs()
    {
        await using var slow = await rig.Source.OpenConnectionAsync();
        await using var transaction = await slow.BeginTransactionAsync();
        await using var draw = new NpgsqlCommand(Draw, slow);
        // No transaction with a later id has ended: to a snapshot it looks as if nothing older than its bound ran.
        Assert.Equal(1L, await draw.ExecuteScalarAsync());
        for (var again = 0; again < 3; again++) Assert.Equal(0, await rig.HighWater.AdvanceAsync(default));
        Assert.True(rig.HighWater.HasPending);
        await transaction.CommitAsync();
        await StoreRig.EventuallyAsync(async () => await rig.HighWater.AdvanceAsync(default) == 1);
        Assert.Single(await rig.Store.ReadAllAsync(0, 10, default));
    }

    [Fact]
    public async Task It_passes_a_dead_transaction_and_draws_no_id_while_nothing_is_appended()
    {
        await using (var dead = await rig.Source.OpenConnectionAsync())
        await using (var transaction = await dead.BeginTransactionAsync())
        {
            await using var draw = new NpgsqlCommand(Draw, dead);
            await draw.ExecuteScalarAsync();
            await transaction.RollbackAsync();
        }

        await StoreRig.EventuallyAsync(async () => await rig.HighWater.AdvanceAsync(default) == 1);
        var before = await rig.RowsAsync("select pg_current_snapshot()::text");
        for (var again = 0; again < 20; again++) await rig.HighWater.AdvanceAsync(default);
        Assert.Equal(before, await rig.RowsAsync("select pg_current_snapshot()::text"));
    }

    [Fact]
    public async Task An_export_waits_for_what_was_open_when_it_began_and_says_so_where_that_stays_open()
    {
        await using var other = await rig.Source.OpenConnectionAsync();
        await using var transaction = await other.BeginTransactionAsync();
        await using var begin = new NpgsqlCommand("select pg_current_xact_id()", other);
        await begin.ExecuteScalarAsync();
        await rig.AppendAsync("video-1", SampleEvents.Uploaded(), SampleEvents.Uploaded());
        using var output = new MemoryStream();
        var waits = Export(rig.Services, output);
        var impatient = rig.Services with { SettlePatience = TimeSpan.Zero };
        var error = await Assert.ThrowsAsync<OpenTransactionException>(() => Export(impatient, Stream.Null));
        Assert.StartsWith("Events after position 0 are not safe to read", error.Message, StringComparison.Ordinal);
        Assert.False(waits.IsCompleted);
        await transaction.CommitAsync();
        Assert.Equal(2, await waits);
    }

    private static Task<long> Export(DaemonServices services, Stream output) =>
        new StoreExport(services).RunAsync(output, null, default, null, default);
}
