using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Daemon;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Projections;
using Npgsql;

namespace EventStream.Tests.Integration.EventStore;

/// <summary>
/// Appends that wait for the one before them and go together, as that one waits for a lock that the test holds; with
/// projections in their transaction, where there are any.
/// </summary>
public abstract class AppendsTogether : IAsyncLifetime
{
    private protected static readonly CancellationToken None = CancellationToken.None;

    private protected StoreRig Rig { get; private set; } = null!;

    private protected PostgresEventStore Store { get; private set; } = null!;

    private protected virtual IReadOnlyList<Projection> Inline => [];

    public async Task InitializeAsync()
    {
        Rig = await StoreRig.StartAsync("groups");
        var plan = new DaemonPlan();
        foreach (var projection in Inline) plan.Add(projection, ProjectionLifecycle.Inline);
        if (Inline.Count > 0) await Rig.DaemonAsync(plan);
        // With one group allowed, those that wait go together however long they waited.
        Store = Rig.Open(new StoreOptions
        {
            MasterKey = Rig.Options.MasterKey,
            GroupsMax = 1,
            Inline = [.. Inline.Select(projection => new InlineProjection(projection, Rig.Options.Schema))],
        });
        await AppendAsync("video-held", 0, New(1));
    }

    public async Task DisposeAsync()
    {
        Store.Dispose();
        await Rig.DisposeAsync();
    }

    private protected void UseStore(PostgresEventStore other)
    {
        Store.Dispose();
        Store = other;
    }

    /// <summary>Appends that go together, as soon as the one before them has the lock that the test holds.</summary>
    private protected async Task<Task<AppendResult>[]> TogetherAsync(
        params (string Stream, long Version, List<NewEvent> Events)[] appends)
    {
        var outcomes = await BeginTogetherAsync(appends);
        await Task.WhenAny(Task.WhenAll(outcomes));
        return outcomes;
    }

    private protected async Task<Task<AppendResult>[]> BeginTogetherAsync(
        params (string Stream, long Version, List<NewEvent> Events)[] appends)
    {
        await using var connection = await Rig.Source.OpenConnectionAsync(None);
        await using var transaction = await connection.BeginTransactionAsync(None);
        await using var hold = new NpgsqlCommand("select from streams where id = 'video-held' for update", connection);
        await hold.ExecuteNonQueryAsync(None);
        var before = Store.AppendAsync("video-held", ExpectedVersion.Any, New(1), EventMetadata.None, None);
        var outcomes = Array.ConvertAll(appends, one => AppendAsync(one.Stream, one.Version, one.Events));
        Assert.False(before.IsCompleted);
        Assert.All(outcomes, outcome => Assert.False(outcome.IsCompleted));
        await transaction.CommitAsync(None);
        await before;
        return outcomes;
    }

    private protected Task<AppendResult> AppendAsync(string stream, long version, List<NewEvent> events) =>
        Store.AppendAsync(stream, ExpectedVersion.Exactly(version), events, EventMetadata.None, None);

    private protected async Task<List<Guid>> IdsAsync(string stream, long from)
    {
        var ids = new List<Guid>();
        await foreach (var e in Store.FetchStreamAsync(stream))
            if (e.Version >= from) ids.Add(e.Id);
        return ids;
    }

    /// <summary>The rows of streams, as they are now, were written by one transaction.</summary>
    private protected async Task AssertOneTransactionAsync(params IReadOnlyList<string> streams) => Assert.Single(
        await Rig.RowsAsync($"select distinct xmin::text from streams where id in ('{string.Join("', '", streams)}')"));

    private protected static List<NewEvent> New(int count) => [.. Enumerable.Range(0, count).Select(_ => new NewEvent(
        Guid.NewGuid(), new VideoPublished(VideoId.New(DateTimeOffset.UnixEpoch), DateTimeOffset.UnixEpoch)))];
}
