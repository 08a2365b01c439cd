using EventStream.EventStore;
using EventStream.EventStore.Daemon;
using EventStream.EventStore.Projections;

namespace EventStream.Tests.Integration.EventStore;

/// <summary>Projections that are written in the transaction of the append.</summary>
[Trait("Category", "Integration")]
public sealed class InlineProjectionTests : IAsyncLifetime
{
    private static readonly Projection[] Inline =
        [new VideoLife.Projection(), new PublisherTotals.Projection(), new VideoRows(), new Journal()];

    private StoreRig rig = null!;

    public async Task InitializeAsync() => rig = await StoreRig.StartAsync("inline", Inline);

    public async Task DisposeAsync() => await rig.DisposeAsync();

    [Fact]
    public async Task Rows_are_there_when_the_append_returns_and_a_repeated_append_counts_once()
    {
        await rig.DaemonAsync(Plan());
        NewEvent[] events =
            [new(Guid.NewGuid(), SampleEvents.Registered("One", "Blender", 5)), new(Guid.NewGuid(),
                SampleEvents.Uploaded())];
        for (var again = 0; again < 2; again++)
            await rig.Store.AppendAsync("video-1", ExpectedVersion.NoStream, events, EventMetadata.None, default);
        Assert.Equal(["1|One|uploaded|2"], await rig.RowsAsync(
            "select id, data->>'Title', data->>'Status', data->>'Events' from video_life"));
        Assert.Equal(["Blender|1|5"], await rig.RowsAsync(
            "select id, data->>'Videos', data->>'SizeBytes' from publisher_totals"));
        Assert.Equal(["video-1|One|5|2"], await rig.RowsAsync("select * from video_rows"));
        await rig.WaitAsync("video-life");
    }

    [Fact]
    public async Task What_a_projection_throws_undoes_the_append_and_all_rows()
    {
        await rig.DaemonAsync(Plan());
        var tooLong = SampleEvents.Registered(new string('x', 41));
        await Assert.ThrowsAnyAsync<Exception>(() => rig.AppendAsync("video-1", tooLong));
        Assert.Empty(await rig.RowsAsync("select * from events"));
        Assert.Empty(await rig.RowsAsync("select * from video_life"));
        await rig.AppendAsync("video-1", SampleEvents.Registered());
        Assert.Equal(["1"], await rig.RowsAsync("select id from video_life"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Concurrent_appends_and_rebuilds_beside_them_end_in_what_the_events_say(int seed)
    {
        await rig.DaemonAsync(Plan());
        await using var other = await StoreRig.OpenAsync(rig.Options, Inline);
        var random = new Random(seed);
        var model = await RandomHistory.AppendAsync(rig, random, streams: 12, appends: 30);
        var appending = model.GoOnAsync(other, random, 12, 80);
        foreach (var projection in Inline) await rig.RebuildInlineAsync(projection);
        await appending;
        Assert.Equal(
            model.Lives(),
            await rig.RowsAsync("select id, data->>'Status', data->>'Events' from video_life order by id"));
        Assert.Equal(model.Totals(), await rig.RowsAsync(
            "select id, data->>'Videos', data->>'SizeBytes' from publisher_totals order by id"));
        Assert.Equal(model.Touched(), await rig.RowsAsync("select stream, touched from video_rows order by stream"));
        Assert.Equal([$"{model.Count}"], await rig.RowsAsync("select count(*) from journal"));
        Assert.All(await rig.Readers.GenerationsAsync(default), g => Assert.True(g is { Live: true, Generation: 2 }));
    }

    [Fact]
    public async Task One_that_comes_to_a_store_with_events_is_filled_before_it_is_kept()
    {
        await using var before = await StoreRig.StartAsync("inlinelate");
        await before.AppendAsync("video-1", SampleEvents.Registered("One"));
        await using var after = await StoreRig.OpenAsync(before.Options, Inline);
        await after.DaemonAsync(Plan());
        await after.AppendAsync("video-1", SampleEvents.Uploaded());
        await StoreRig.EventuallyAsync(async () =>
            (await after.RowsAsync("select id, data->>'Events' from video_life")).SequenceEqual(["1|2"]));
        await after.AppendAsync("video-1", SampleEvents.Published());
        Assert.Equal(["1|3"], await after.RowsAsync("select id, data->>'Events' from video_life"));
    }

    [Fact]
    public async Task A_stream_that_is_ended_for_ever_takes_its_document_with_it()
    {
        await rig.DaemonAsync(Plan());
        await rig.AppendAsync("video-1", SampleEvents.Registered());
        await rig.AppendAsync("video-2", SampleEvents.Registered());
        await rig.Store.TombstoneAsync("video-1", "asked for", default);
        await rig.RebuildInlineAsync(Inline[0]);
        Assert.Equal(["2"], await rig.RowsAsync("select id from video_life"));
    }

    private static DaemonPlan Plan()
    {
        var plan = new DaemonPlan();
        foreach (var projection in Inline) plan.Add(projection, ProjectionLifecycle.Inline);
        return plan;
    }
}
