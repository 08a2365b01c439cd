using System.Text.Json;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Postgres;

namespace EventStream.Tests.Integration.EventStore;

/// <summary>Appends of one event by one caller, which are plain statements until one of them is refused.</summary>
[Trait("Category", "Integration")]
public sealed class OneEventTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;
    private StoreRig rig = null!;

    public async Task InitializeAsync() => rig = await StoreRig.StartAsync("one_event");

    public async Task DisposeAsync() => await rig.DisposeAsync();

    [Fact]
    public async Task What_is_expected_of_a_stream_that_is_not_there_leaves_nothing_behind()
    {
        var refused = await Assert.ThrowsAsync<WrongExpectedVersionException>(() => AppendAsync("video-a", 3, New()));
        Assert.Equal(0, refused.Actual);
        Assert.Empty(await rig.RowsAsync("select id from streams"));
        Assert.Equal(1, (await AppendAsync("video-a", 0, New())).Version);
        Assert.Equal(2, (await AppendAsync("video-a", 1, New())).Version);
    }

    [Fact]
    public async Task Every_refusal_says_what_it_found_and_leaves_the_stream_as_it_was()
    {
        var (first, second) = (New(), New());
        var started = await AppendAsync("video-a", 0, first);
        var moved = await AppendAsync("video-a", 1, second);
        foreach (var expected in (long[])[0, 1, 3])
        {
            var refused = await Assert.ThrowsAsync<WrongExpectedVersionException>(
                () => AppendAsync("video-a", expected, New()));
            Assert.Equal(2, refused.Actual);
        }

        Assert.Equal(started with { Repeated = true }, await AppendAsync("video-a", 0, first));
        Assert.Equal(moved with { Repeated = true }, await AppendAsync("video-a", 1, second));
        Assert.Equal(started with { Repeated = true }, await AppendAsync("video-a", 2, first));
        await Assert.ThrowsAsync<DuplicateEventException>(() => AppendAsync("video-b", 0, first));
        await rig.Store.ArchiveAsync("video-a", None);
        await Assert.ThrowsAsync<StreamArchivedException>(() => AppendAsync("video-a", 2, New()));
        await rig.Store.RestoreAsync("video-a", None);
        Assert.Equal(3, (await AppendAsync("video-a", 2, New())).Version);
        Assert.Equal(["video-a 3"], await rig.RowsAsync("select id || ' ' || version from streams"));
        Assert.Equal(["1", "2", "3"], await rig.RowsAsync("select version from events order by position"));
    }

    [Fact]
    public async Task An_id_that_the_stream_has_in_an_older_partition_is_recognised()
    {
        var known = New();
        var started = await AppendAsync("video-a", 0, known);
        await rig.ExecuteAsync($"select setval('event_positions', {EventPartitions.Size + 100})");
        Assert.Equal(2, (await AppendAsync("video-a", 1, New())).Version);
        Assert.Equal(started with { Repeated = true }, await AppendAsync("video-a", 2, known));
        Assert.Equal(3, (await AppendAsync("video-a", 2, New())).Version);
    }

    [Fact]
    public async Task A_table_of_few_streams_is_not_scanned_by_a_plan_that_is_kept_while_it_grows()
    {
        await AppendAsync("video-a", 0, New());
        await rig.ExecuteAsync("analyze streams");
        await using var connection = await QueryPlan.ConnectAsync(rig.Options.ConnectionString, rig.Options.Schema);
        using var json = JsonDocument.Parse("{}");
        foreach (var (statement, stream, version) in new[]
        {
            (OneEvent.Start, "video-new", 0L), (OneEvent.Start, "video-a", 0), (OneEvent.Next, "video-a", 1),
            (OneEvent.Next, "video-a", 7),
        })
        {
            var plan = await QueryPlan.OfAsync(
                connection, statement, null, Tenants.Default, stream, version, json, Guid.NewGuid(), "a", json);
            Assert.NotEqual(0, plan.Statements);
            Assert.DoesNotContain("streams", plan.SequentialScans);
        }

        // Against this it is measured: how the same look is made that has a plan of its own.
        var scan = await QueryPlan.OfAsync(
            connection, "select from streams where tenant = 'default' and id = 'video-a'", null);
        Assert.Contains("streams", scan.SequentialScans);
    }

    private Task<AppendResult> AppendAsync(string stream, long version, NewEvent appended) => rig.Store.AppendAsync(
        stream, ExpectedVersion.Exactly(version), [appended], EventMetadata.None, None);

    private static NewEvent New() => new(
        Guid.NewGuid(), new VideoPublished(VideoId.New(DateTimeOffset.UnixEpoch), DateTimeOffset.UnixEpoch));
}
