using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Privacy;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace EventStream.Tests.Integration.EventStore;

/// <summary>
/// What the raw tables tell of a person: nothing without the keys, and nothing at all once it was erased.
/// </summary>
[Trait("Category", "Integration")]
public sealed class PersonalDataTests : IAsyncLifetime
{
    private const string Person = "jane.doe@example.org";
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly Aggregate<string> Publisher = new("video", "", (state, e) =>
        e is VideoRegistered registered ? registered.Publisher : state)
    {
        Snapshots = new("publisher.v1", 1, PlainJson.Default.String),
    };

    private NpgsqlDataSource source = null!;
    private PostgresOptions options = null!;
    private PostgresEventStore store = null!;

    public async Task InitializeAsync()
    {
        options = await PostgresFixture.QuietOptionsAsync("personal");
        source = options.CreateDataSource();
        await new Migrator(source, options.Schema).ApplyAsync("store", typeof(IEventStore).Assembly, "EventStore.Sql",
            None);
        store = Open(options.MasterKey);
    }

    public async Task DisposeAsync()
    {
        store.Dispose();
        await source.DisposeAsync();
    }

    [Fact]
    public async Task The_raw_tables_hold_neither_a_persons_data_nor_once_erased_its_key()
    {
        var repository = new Repository<string>(store, Publisher);
        await repository.DecideAsync("1", _ => [Registered()], new EventMetadata(Actor: Person), None);
        Assert.Equal(Person, (await repository.LoadAsync("1", None)).State);
        // A fold may hold the text; the tables of events and keys never do.
        foreach (var table in new[] { "events", "streams", "subject_keys" })
            Assert.DoesNotContain(Person, await DumpAsync(table), StringComparison.Ordinal);
        Assert.Contains("$personal", await DumpAsync("events"), StringComparison.Ordinal);
        Assert.Equal(1L, await ScalarAsync("select count(*) from subject_keys"));

        Assert.True(await store.EraseSubjectAsync(Person, None));
        foreach (var table in new[] { "events", "streams", "subject_keys", "snapshots" })
            Assert.DoesNotContain(Person, await DumpAsync(table), StringComparison.Ordinal);
        Assert.Equal(0L, await ScalarAsync("select count(*) from subject_keys"));
        Assert.Equal(0L, await ScalarAsync("select count(*) from snapshots"));
        Assert.Equal(PersonalDataAttribute.Erased, (await repository.LoadAsync("1", None)).State);
        Assert.Equal(1, (await store.FetchStreamStateAsync("video-1", None))!.Version);
    }

    [Fact]
    public async Task A_key_on_disk_is_of_no_use_without_the_master_key()
    {
        await store.AppendAsync(
            "video-1", ExpectedVersion.NoStream, [new(Guid.NewGuid(), Registered())], EventMetadata.None, None);
        using var stranger = Open(MasterKey.Ephemeral());
        var e = await Assert.ThrowsAsync<WrongMasterKeyException>(() => ReadAsync(stranger));
        Assert.Contains("Postgres:MasterKeyFile", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("protects nobody", e.Message, StringComparison.Ordinal);
        using var friend = Open(options.MasterKey);
        Assert.Equal(Person, ((VideoRegistered)(await ReadAsync(friend))[0].Data).Publisher);
    }

    [Fact]
    public async Task Processes_that_meet_a_person_at_the_same_time_agree_on_its_key()
    {
        await Task.WhenAll(Enumerable.Range(0, 6).Select(i => Task.Run(async () =>
        {
            using var own = Open(options.MasterKey);
            await own.AppendAsync($"video-{i}", ExpectedVersion.NoStream, [new(Guid.NewGuid(), Registered())],
                new EventMetadata(Actor: Person), None);
        })));
        Assert.Equal(1L, await ScalarAsync("select count(*) from subject_keys"));
        using var reader = Open(options.MasterKey);
        Assert.Equal(Person, ((VideoRegistered)(await ReadAsync(reader))[0].Data).Publisher);
    }

    private PostgresEventStore Open(MasterKey master) => new(
        source, new HighWater(source), new AppendSignal(source, options.Schema, NullLogger<AppendSignal>.Instance),
        new StoreOptions { MasterKey = master });

    private static async Task<List<RecordedEvent>> ReadAsync(PostgresEventStore from)
    {
        var events = new List<RecordedEvent>();
        await foreach (var e in from.FetchStreamAsync("video-1")) events.Add(e);
        return events;
    }

    private async Task<string> DumpAsync(string table) =>
        (string)(await ScalarAsync($"select coalesce(string_agg(to_jsonb(t)::text, ' '), '') from {table} t"))!;

    private async Task<object?> ScalarAsync(string sql)
    {
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(None);
    }

    private static VideoRegistered Registered() => new(
        VideoId.New(DateTimeOffset.UnixEpoch), Person, "T", $"{Person}.mp4", 1, DateTimeOffset.UnixEpoch);
}

[System.Text.Json.Serialization.JsonSerializable(typeof(string))]
internal sealed partial class PlainJson : System.Text.Json.Serialization.JsonSerializerContext;
