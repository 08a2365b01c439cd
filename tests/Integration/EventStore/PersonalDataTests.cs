using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Privacy;
using JasperFx.Events.Projections;
using Marten.Events.Aggregation;

namespace EventStream.Integration.Tests.EventStore;

/// <summary>
/// What the raw tables tell of a person: nothing without the keys, and nothing at all once it was erased.
/// </summary>
public sealed class PersonalDataTests : IAsyncLifetime
{
    private const string Person = "jane.doe@example.org";
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly ServiceStore Service = new(
        "personal",
        store =>
        {
            store.Aggregate<Owned, Guid>();
            store.Projections.Add(new OwnerProjection(), ProjectionLifecycle.Async);
        }
    );

    private readonly Guid id = Guid.NewGuid();
    private TestStore store = null!;

    public async Task InitializeAsync() => store = await TestStore.StartAsync("personal", Service, withDaemon: true);

    public async Task DisposeAsync() => await store.DisposeAsync();

    [Fact]
    public async Task No_table_holds_a_persons_data_and_once_erased_nothing_reads_it()
    {
        await RegisterAsync(store, id);
        await store.WaitAsync("owner");
        Assert.Equal(Person, (await store.Decider<Owned>().LoadAsync(id, None)).State.Publisher);
        Assert.Equal(Person, (await OwnerAsync(store)).Publisher);
        Assert.Equal(Person, (await MetadataAsync(store)).Actor);
        var tables = await store.RowsAsync(
            $"select tablename from pg_tables where schemaname = '{store.Options.Schema}'"
        );
        Assert.Contains("mt_events", tables);
        foreach (var table in tables)
            Assert.DoesNotContain(Person, await DumpAsync(table), StringComparison.Ordinal);
        Assert.Contains("$personal", await DumpAsync("mt_events"), StringComparison.Ordinal);
        Assert.Equal(["1"], await store.RowsAsync("select count(*) from subject_keys"));

        Assert.True(await store.Personal.EraseAsync(Person, None));

        Assert.Equal(["0"], await store.RowsAsync("select count(*) from subject_keys"));
        var loaded = await store.Decider<Owned>().LoadAsync(id, None);
        Assert.Equal((PersonalDataAttribute.Erased, 1), (loaded.State.Publisher, loaded.Version));
        Assert.Equal(PersonalDataAttribute.Erased, (await OwnerAsync(store)).Publisher);
        Assert.Equal(PersonalDataAttribute.Erased, (await MetadataAsync(store)).Actor);
    }

    [Fact]
    public async Task A_person_is_found_in_a_read_model_by_the_protected_text()
    {
        await RegisterAsync(store, id);
        await store.WaitAsync("owner");
        var sought = await store.Personal.ProtectAsync(Person, Person, None);
        Assert.Equal(
            [$"{id}"],
            await store.RowsAsync($"select id from mt_doc_owner where data -> 'publisher' = '{sought}'::jsonb")
        );
    }

    [Fact]
    public async Task A_key_on_disk_is_of_no_use_without_the_master_key()
    {
        await RegisterAsync(store, id);
        await using var stranger = await TestStore.OpenAsync(
            store.Options with
            {
                MasterKey = MasterKey.Ephemeral(),
            },
            Service
        );
        var e = await Assert.ThrowsAnyAsync<Exception>(() => stranger.Decider<Owned>().LoadAsync(id, None));
        while (e.InnerException is not null && e is not WrongMasterKeyException)
            e = e.InnerException;
        Assert.IsType<WrongMasterKeyException>(e);
        Assert.Contains("Postgres:MasterKeyFile", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("protects nobody", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Processes_that_meet_a_person_at_the_same_time_agree_on_its_key()
    {
        await Task.WhenAll(
            Enumerable
                .Range(0, 6)
                .Select(_ =>
                    Task.Run(async () =>
                    {
                        await using var own = await TestStore.OpenAsync(store.Options, Service);
                        await RegisterAsync(own, Guid.NewGuid());
                    })
                )
        );
        Assert.Equal(["1"], await store.RowsAsync("select count(*) from subject_keys"));
    }

    private static Task RegisterAsync(TestStore store, Guid id) =>
        store
            .Decider<Owned>()
            .DecideAsync(
                id,
                _ => [new VideoRegistered(new(id), Person, "T", $"{Person}.mp4", 1, DateTimeOffset.UnixEpoch)],
                new EventMetadata(Actor: Person),
                None
            );

    private async Task<Owner> OwnerAsync(TestStore from)
    {
        await using var session = from.Documents.QuerySession();
        return (await session.LoadAsync<Owner>(id))!;
    }

    private async Task<EventMetadata> MetadataAsync(TestStore from)
    {
        await using var session = from.Documents.QuerySession();
        return from.Personal.MetadataOf(Assert.Single(await session.Events.FetchStreamAsync(id)));
    }

    private async Task<string> DumpAsync(string table) =>
        Assert.Single(await store.RowsAsync($"select coalesce(string_agg(to_jsonb(t)::text, ' '), '') from {table} t"));
}

/// <summary>An aggregate that knows its publisher.</summary>
public sealed record Owned : IAggregate<Owned>
{
    public Guid Id { get; init; }
    public string Publisher { get; init; } = "";

    public Owned Fold(IMessage message) => message is VideoRegistered e ? this with { Publisher = e.Publisher } : this;
}

/// <summary>A read model with a person in it.</summary>
public sealed record Owner
{
    public Guid Id { get; init; }

    [PersonalData]
    public string Publisher { get; init; } = "";
}

public sealed class OwnerProjection : SingleStreamProjection<Owner, Guid>
{
    public OwnerProjection() => Name = "owner";

    public override Owner? Evolve(Owner? snapshot, Guid id, JasperFx.Events.IEvent e) =>
        e.Data is VideoRegistered registered ? new() { Id = id, Publisher = registered.Publisher } : snapshot;
}
