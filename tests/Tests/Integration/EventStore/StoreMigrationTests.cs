using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Postgres;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace EventStream.Tests.Integration.EventStore;

/// <summary>A store that older programs filled is carried forward, whole.</summary>
[Trait("Category", "Integration")]
public sealed class StoreMigrationTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;
    private const string Everything =
        "select position, stream, version, id, name, data, metadata from events order by 1";

    private NpgsqlDataSource source = null!;
    private PostgresOptions options = null!;

    public async Task InitializeAsync()
    {
        options = await PostgresFixture.QuietOptionsAsync("carried");
        source = options.CreateDataSource();
    }

    public async Task DisposeAsync() => await source.DisposeAsync();

    [Fact]
    public async Task A_store_of_the_first_schema_keeps_every_event_and_goes_on()
    {
        await MigrateAsync(upTo: 2);
        for (var i = 0; i < 50; i++)
        {
            await AppendOldAsync($"video-{i}", 0, 3);
            await AppendOldAsync($"video-{i}", 3, 1);
        }

        var before = await RowsAsync(Everything);
        Assert.Equal(200, before.Count);
        Assert.True(await MigrateAsync() > 0);
        Assert.Equal(0, await MigrateAsync());
        Assert.Equal(before, await RowsAsync(Everything));

        using var store = Open();
        var log = await LogAsync(store, 200);
        Assert.Equal(200, log.Count);
        Assert.All(log, e => Assert.Equal((Tenants.Default, "Jane"), (e.Tenant, e.Metadata.Actor)));
        var state = await store.FetchStreamStateAsync("video-7", None);
        Assert.Equal((4L, log.Last(e => e.Stream == "video-7").RecordedAt), (state!.Version, state.UpdatedAt));
        var appended = await store.AppendAsync(
            "video-7", ExpectedVersion.Exactly(4), [Published()], EventMetadata.None, None);
        Assert.Equal(new AppendResult(5, 201), appended);
        Assert.Equal([1L, 2, 3, 4, 5], await VersionsAsync(store, "video-7"));
    }

    [Fact]
    public async Task An_empty_store_of_the_first_schema_goes_on_too()
    {
        await MigrateAsync(upTo: 2);
        await MigrateAsync();
        using var store = Open();
        await store.AppendAsync("video-1", ExpectedVersion.NoStream, [Published()], EventMetadata.None, None);
        Assert.Equal([1L], await VersionsAsync(store, "video-1"));
    }

    [Fact]
    public async Task A_partition_that_holds_events_keeps_its_keys_and_the_next_ones_begin_with_the_stream()
    {
        await MigrateAsync(upTo: 2);
        await AppendOldAsync("video-1", 0, 3);
        await MigrateAsync(upTo: 11);
        await RowsAsync($"select setval('event_positions', {EventPartitions.Size - 2})");
        await MigrateAsync();
        Assert.Equal(
            [
                "events_p00000 UNIQUE (tenant, id)", "events_p00000 UNIQUE (tenant, stream, version)",
                "events_p00001 UNIQUE (id, tenant)", "events_p00001 UNIQUE (stream, tenant, version)",
            ],
            await RowsAsync(
                """
                select conrelid::regclass || ' ' || pg_get_constraintdef(oid) from pg_constraint
                where contype = 'u' and conrelid::regclass::text like 'events_p%' order by 1
                """));
        using var store = Open();
        var events = Enumerable.Range(0, 4).Select(_ => Published()).ToList();
        var first = await store.AppendAsync("video-1", ExpectedVersion.Exactly(3), events, EventMetadata.None, None);
        Assert.Equal(new AppendResult(7, EventPartitions.Size + 2), first);
        Assert.Equal([1L, 2, 3, 4, 5, 6, 7], await VersionsAsync(store, "video-1"));
        var again = await store.AppendAsync("video-1", ExpectedVersion.Exactly(3), events, EventMetadata.None, None);
        Assert.Equal(first with { Repeated = true }, again);
    }

    [Fact]
    public async Task Persons_in_events_from_before_encryption_can_be_erased()
    {
        await MigrateAsync(upTo: 2);
        await AppendOldAsync("video-1", 0, 1);
        await AppendOldAsync("video-2", 0, 1, "Joan");
        await MigrateAsync();
        using var store = Open();
        Assert.True(await store.EraseSubjectAsync("Jane", None));
        var log = await LogAsync(store, 2);
        Assert.Equal(["(erased)", "Joan"], log.Select(e => e.Metadata.Actor));
        Assert.Equal([("(erased)", "(erased)"), ("Joan", "Joan.mp4")],
            log.Select(e => (VideoRegistered)e.Data).Select(e => (e.Publisher, e.FileName)));
        Assert.DoesNotContain(await RowsAsync("select to_jsonb(e) from events e"), row =>
            row.Contains("Jane", StringComparison.Ordinal));
    }

    /// <summary>The whole log. Transactions of other tests on this server may hold the mark for a moment.</summary>
    private static async Task<IReadOnlyList<RecordedEvent>> LogAsync(PostgresEventStore store, int events)
    {
        IReadOnlyList<RecordedEvent> log = [];
        await Wait.UntilAsync(
            $"{events} events were read", async () => (log = await store.ReadAllAsync(0, 1000, None)).Count >= events);
        return log;
    }

    private PostgresEventStore Open() => new(
        source, new HighWater(source), new AppendSignal(source, options.Schema, NullLogger<AppendSignal>.Instance),
        new StoreOptions { MasterKey = options.MasterKey });

    private Task<int> MigrateAsync(int upTo = int.MaxValue) => new Migrator(source, options.Schema).ApplyAsync(
        "store", typeof(IEventStore).Assembly, "EventStore.Sql", upTo, None);

    private async Task AppendOldAsync(string stream, long expected, int count, string actor = "Jane")
    {
        await using var command = source.CreateCommand(
            """
            select append_events(
                $1, $2, array(select gen_random_uuid() from generate_series(1, $3)),
                array_fill('video.registered.v1'::text, array[$3]), array_fill($4::jsonb, array[$3]),
                jsonb_build_object('actor', $5::text))
            """);
        command.Parameters.AddWithValue(stream);
        command.Parameters.AddWithValue(expected);
        command.Parameters.AddWithValue(count);
        command.Parameters.AddWithValue(
            $$"""
            {"videoId": "0190b5e4-0000-7000-8000-000000000000", "publisher": "{{actor}}", "title": "T",
             "fileName": "{{actor}}.mp4", "sizeBytes": 1, "registeredAt": "2026-11-01T12:00:00+00:00"}
            """);
        command.Parameters.AddWithValue(actor);
        await command.ExecuteNonQueryAsync(None);
    }

    private async Task<List<string>> RowsAsync(string sql)
    {
        await using var command = source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync(None);
        var rows = new List<string>();
        while (await reader.ReadAsync(None))
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(reader.GetValue)));
        return rows;
    }

    private static NewEvent Published() => new(
        Guid.NewGuid(), new VideoPublished(VideoId.New(TimeProvider.System.GetUtcNow()), DateTimeOffset.UnixEpoch));

    private static async Task<List<long>> VersionsAsync(PostgresEventStore store, string stream)
    {
        var versions = new List<long>();
        await foreach (var e in store.FetchStreamAsync(stream)) versions.Add(e.Version);
        return versions;
    }
}
