using EventStream.Contracts;
using EventStream.EventStore;

namespace EventStream.Integration.Tests.EventStore;

public sealed class DeciderTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly VideoId id = VideoId.New(TimeProvider.System.GetUtcNow());
    private TestStore store = null!;

    private Decider<Counter> Counters => store.Decider<Counter>();

    public async Task InitializeAsync() => store = await TestStore.StartAsync("decider", Counter.Store);

    public async Task DisposeAsync() => await store.DisposeAsync();

    [Fact]
    public async Task A_decision_is_stored_and_read_back()
    {
        var decided = await Counters.DecideAsync(id.Value, c => c.Add(id), EventMetadata.None, None);

        Assert.Equal((1, 1), (decided.State.Count, decided.Version));
        var loaded = await Counters.LoadAsync(id.Value, None);
        Assert.Equal((1, 1), (loaded.State.Count, loaded.Version));
    }

    [Fact]
    public async Task Deciders_that_meet_each_decide_on_what_the_other_stored()
    {
        await using var other = await TestStore.OpenAsync(store.Options, Counter.Store);
        var deciders = new[] { Counters, other.Decider<Counter>() };

        // Eight writers start the stream and go on in it: each kind of conflict comes about.
        var writers = Enumerable
            .Range(0, 8)
            .Select(writer =>
                Task.Run(async () =>
                {
                    for (var i = 0; i < 20; i++)
                        await AgainAsync(() =>
                            deciders[writer % 2].DecideAsync(id.Value, c => c.Add(id), EventMetadata.None, None)
                        );
                })
            );
        await Task.WhenAll(writers);

        var loaded = await Counters.LoadAsync(id.Value, None);
        Assert.Equal((160, 160), (loaded.State.Count, loaded.Version));
        Assert.Equal(
            Enumerable.Range(1, 160).Select(n => $"{n}"),
            await store.RowsAsync($"select data->>'task' from mt_events where stream_id = '{id}' order by version")
        );
    }

    [Fact]
    public async Task A_command_that_comes_twice_is_stored_once()
    {
        var command = Guid.NewGuid();
        for (var i = 0; i < 2; i++)
            await Counters.DecideAsync(id.Value, c => c.Add(id), EventMetadata.None, None, command);

        Assert.Equal(1, (await Counters.LoadAsync(id.Value, None)).Version);
    }

    [Fact]
    public async Task Metadata_is_kept_and_who_acted_is_encrypted()
    {
        var metadata = new EventMetadata("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "c", "d", "ann")
        {
            Headers = new Dictionary<string, string> { ["address"] = "192.0.2.1" },
        };
        await Counters.DecideAsync(id.Value, c => c.Add(id), metadata, None);

        await using var session = store.Documents.QuerySession();
        var e = Assert.Single(await session.Events.FetchStreamAsync(id.Value));
        Assert.Equivalent(metadata, store.Personal.MetadataOf(e), strict: true);
        Assert.DoesNotContain("ann", Assert.Single(await store.RowsAsync("select user_name from mt_events")));
    }

    [Fact]
    public async Task What_was_is_read_as_of_a_version()
    {
        for (var i = 0; i < 3; i++)
            await Counters.DecideAsync(id.Value, c => c.Add(id), EventMetadata.None, None);

        Assert.Equal(2, (await Counters.LoadAsync(id.Value, None, asOfVersion: 2)).State.Count);
    }

    /// <summary>Writers that fight on purpose may lose more often in a row than a decider bears.</summary>
    private static async Task AgainAsync(Func<Task> decide)
    {
        while (true)
        {
            try
            {
                await decide();
                return;
            }
            catch (ContendedStreamException) { }
        }
    }
}
