using EventStream.EventStore;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Upcasting;
using EventStream.Tests.EventStore;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace EventStream.Tests.Integration.EventStore;

[Trait("Category", "Integration")]
public sealed class PostgresEventStoreTests : EventStoreTests
{
    private NpgsqlDataSource source = null!;
    private PostgresOptions options = null!;

    public override async Task InitializeAsync()
    {
        options = await PostgresFixture.QuietOptionsAsync("store");
        source = options.CreateDataSource();
        await new Migrator(source, options.Schema).ApplyAsync("store", typeof(IEventStore).Assembly, "EventStore.Sql",
            None);
        Store = Reopen(Upcasters.None);
    }

    protected override int Histories => 15;

    protected override IEventStore Reopen(Upcasters upcasters) => new PostgresEventStore(
        source, new HighWater(source), new AppendSignal(source, options.Schema, NullLogger<AppendSignal>.Instance),
        new StoreOptions { MasterKey = options.MasterKey, Upcasters = upcasters });

    public override async Task DisposeAsync() => await source.DisposeAsync();

    [Fact]
    public async Task The_high_water_mark_waits_for_a_transaction_that_drew_a_smaller_position()
    {
        await Append(NewStream(), ExpectedVersion.NoStream, 1);
        await using var slow = await source.OpenConnectionAsync(None);
        await using var transaction = await slow.BeginTransactionAsync(None);
        await using (var draw = new NpgsqlCommand(
            """
            select positions[1] from append_events(
                array['default'], array['video-slow'], array[0]::bigint[], array['{}'::jsonb], array[1],
                array[gen_random_uuid()], array['video.published.v1'],
                array['{"videoId":"0190b5e4-0000-7000-8000-000000000000"}'::jsonb], true)
            """, slow))
        {
            Assert.Equal(2L, await draw.ExecuteScalarAsync(None));
        }

        Assert.Equal(3, (await Append(NewStream(), ExpectedVersion.NoStream, 1)).Position);
        Assert.True((await Store.ReadAllAsync(0, 10, None)).Count <= 1,
            "A reader went past a position that may still appear.");
        await transaction.CommitAsync(None);
        await Eventually(async () => (await Store.ReadAllAsync(0, 10, None)).Count == 3);
    }

    [Fact]
    public async Task The_high_water_mark_passes_the_gap_of_a_transaction_that_rolled_back()
    {
        var stream = NewStream();
        await using (var connection = await source.OpenConnectionAsync(None))
        await using (var transaction = await connection.BeginTransactionAsync(None))
        {
            await using var draw =
                new NpgsqlCommand("select nextval('event_positions'), pg_current_xact_id()", connection);
            await draw.ExecuteNonQueryAsync(None);
            await Append(stream, ExpectedVersion.NoStream, 1);
            await transaction.RollbackAsync(None);
        }

        await Eventually(async () => (await Store.ReadAllAsync(0, 10, None)).Count == 1);
        Assert.Equal(2, await Store.HighWaterAsync(None));
    }

    [Fact]
    public async Task Migrating_twice_and_at_the_same_time_applies_each_step_once()
    {
        var fresh = await PostgresFixture.QuietOptionsAsync("migrate");
        await using var pool = fresh.CreateDataSource();
        var applied = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => new Migrator(pool, fresh.Schema)
            .ApplyAsync("store", typeof(IEventStore).Assembly, "EventStore.Sql", None)));
        Assert.Equal(1, applied.Count(count => count > 0));
    }

    [Fact]
    public async Task A_schema_newer_than_the_program_is_refused()
    {
        await using var command =
            source.CreateCommand("insert into migrations values ('store', 999, '999_later.sql', 'x')");
        await command.ExecuteNonQueryAsync(None);
        var e = await Assert.ThrowsAsync<SchemaMismatchException>(() => new Migrator(source, options.Schema)
            .ApplyAsync("store", typeof(IEventStore).Assembly, "EventStore.Sql", None));
        Assert.Contains("update the program", e.Message, StringComparison.Ordinal);
    }
}
