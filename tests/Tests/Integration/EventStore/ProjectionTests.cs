using EventStream.EventStore.Daemon;

namespace EventStream.Tests.Integration.EventStore;

/// <summary>Async projections of every kind, kept by the daemon on a real PostgreSQL.</summary>
[Trait("Category", "Integration")]
public sealed class ProjectionTests : IAsyncLifetime
{
    private StoreRig rig = null!;

    public async Task InitializeAsync() => rig = await StoreRig.StartAsync("projections");

    public async Task DisposeAsync() => await rig.DisposeAsync();

    [Fact]
    public async Task Projections_of_every_kind_follow_one_store()
    {
        await rig.AppendAsync("video-1", SampleEvents.Registered("One", "Blender", 5), SampleEvents.Uploaded());
        var counts = new Counts();
        await rig.DaemonAsync(
            new DaemonPlan().Add(new VideoLife.Projection()).Add(new PublisherTotals.Projection()).Add(new VideoRows())
                .Add(new Journal()), inMemory: [counts]);
        await rig.AppendAsync("video-2", SampleEvents.Registered("Two", "Blender", 7));
        await rig.AppendAsync("video-1", SampleEvents.Published());
        await rig.AppendAsync("encode-1", SampleEvents.Published());
        foreach (var name in (string[])["video-life", "publisher-totals", "video-rows", "journal"])
            await rig.WaitAsync(name);

        Assert.Equal(
            ["1|3|One|published", "2|1|Two|registered"],
            await rig.RowsAsync("select id, version, data->>'Title', data->>'Status' from video_life order by id"));
        Assert.Equal(
            ["Blender|2|12"],
            await rig.RowsAsync("select id, data->>'Videos', data->>'SizeBytes' from publisher_totals"));
        Assert.Equal(
            ["video-1|One|5|3", "video-2|Two|7|1"], await rig.RowsAsync("select * from video_rows order by stream"));
        Assert.Equal(
            ["video-1|One", "video-1|", "video-2|Two", "video-1|", "encode-1|"],
            await rig.RowsAsync("select stream, title from journal order by position"));
        await StoreRig.EventuallyAsync(() => Task.FromResult(counts is { CaughtUp: true }
            && counts.Of("video-1") == 3));
    }

    [Fact]
    public async Task A_transaction_whose_answer_is_lost_counts_once()
    {
        await rig.AppendAsync("video-1", SampleEvents.Registered());
        await rig.DaemonAsync(new DaemonPlan().Add(new TallyWithALostAnswer()));
        await rig.WaitAsync("tally");
        await rig.AppendAsync("video-1", SampleEvents.Uploaded(), SampleEvents.Published());
        await rig.WaitAsync("tally");
        Assert.Equal(["video-1|3"], await rig.RowsAsync("select * from tally"));
    }

    [Fact]
    public async Task A_document_that_becomes_null_is_deleted_and_may_begin_anew()
    {
        await rig.DaemonAsync(new DaemonPlan().Add(new VideoLife.Projection()).Add(new VideoRows()));
        await rig.AppendAsync("video-1", SampleEvents.Registered());
        await rig.WaitAsync("video-life");
        await rig.AppendAsync("video-1", SampleEvents.Rejected());
        await rig.WaitAsync("video-life");
        await rig.WaitAsync("video-rows");
        Assert.Empty(await rig.RowsAsync("select id from video_life"));
        Assert.Empty(await rig.RowsAsync("select stream from video_rows"));
        await rig.AppendAsync("video-1", SampleEvents.Uploaded(), SampleEvents.Rejected(), SampleEvents.Published());
        await rig.WaitAsync("video-life");
        await rig.WaitAsync("video-rows");
        Assert.Equal(["1|1"], await rig.RowsAsync("select id, data->>'Events' from video_life"));
        Assert.Equal(["video-1|1"], await rig.RowsAsync("select stream, touched from video_rows"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Shards_share_out_the_keys_and_nothing_is_missed_or_counted_twice(int shards)
    {
        await rig.DaemonAsync(new DaemonPlan()
            .Add(new VideoLife.Projection { Shards = shards }).Add(new PublisherTotals.Projection { Shards = shards })
            .Add(new VideoRows { Shards = shards }).Add(new Journal { Shards = shards }));
        var model = await RandomHistory.AppendAsync(rig, new Random(shards), streams: 30, appends: 200);
        foreach (var name in (string[])["video-life", "publisher-totals", "video-rows", "journal"])
            await rig.WaitAsync(name);
        Assert.Equal(
            model.Lives(),
            await rig.RowsAsync("select id, data->>'Status', data->>'Events' from video_life order by id"));
        Assert.Equal(model.Totals(), await rig.RowsAsync(
            "select id, data->>'Videos', data->>'SizeBytes' from publisher_totals order by id"));
        Assert.Equal([$"{model.Count}"], await rig.RowsAsync("select count(*) from journal"));
        Assert.Equal(model.Touched(), await rig.RowsAsync("select stream, touched from video_rows order by stream"));
    }

    [Fact]
    public async Task A_live_aggregation_equals_the_document_that_was_kept()
    {
        var projection = new VideoLife.Projection();
        await rig.DaemonAsync(new DaemonPlan().Add(projection));
        await rig.AppendAsync("video-1", SampleEvents.Registered("One"), SampleEvents.Uploaded(),
            SampleEvents.Published());
        Assert.Equal(new VideoLife("One", "published", 3), await projection.LiveAsync(rig.Store, "1", default));
        Assert.Equal(new VideoLife("One", "uploaded", 2), await projection.LiveAsync(rig.Store, "1", default, 2));
        Assert.Null(await projection.LiveAsync(rig.Store, "none", default));
        await rig.WaitAsync("video-life");
        Assert.Equal(["One|published|3"], await rig.RowsAsync(
            "select data->>'Title', data->>'Status', data->>'Events' from video_life"));
    }

    [Fact]
    public async Task Of_two_processes_one_keeps_a_projection_and_the_other_takes_over()
    {
        await using var other = await StoreRig.OpenAsync(rig.Options);
        var first = await rig.DaemonAsync(new DaemonPlan().Add(new VideoRows()));
        await StoreRig.EventuallyAsync(() => Task.FromResult(first.Owns("video-rows:g1")));
        var second = await other.DaemonAsync(new DaemonPlan().Add(new VideoRows()));
        await rig.AppendAsync("video-1", SampleEvents.Registered());
        await rig.WaitAsync("video-rows");
        Assert.False(second.Owns("video-rows:g1"));
        await rig.StopAsync(first);
        await other.AppendAsync("video-1", SampleEvents.Uploaded());
        await other.WaitAsync("video-rows");
        Assert.True(second.Owns("video-rows:g1"));
        Assert.Equal(["2"], await rig.RowsAsync("select touched from video_rows"));
    }

    [Fact]
    public async Task A_former_owner_writes_neither_rows_nor_its_checkpoint()
    {
        await rig.DaemonAsync(new DaemonPlan().Add(new VideoRows()));
        await rig.AppendAsync("video-1", SampleEvents.Registered());
        await rig.WaitAsync("video-rows");
        // As when this process was stopped for so long that another one took over.
        await rig.ExecuteAsync("update checkpoints set epoch = epoch + 1 where reader = 'video-rows:g1'");
        var former = await Checkpoint.TakeAsync(rig.Source, "x", default);
        var owner = await Checkpoint.TakeAsync(rig.Source, "x", default);
        await owner.MoveAsync(5, default);
        await Assert.ThrowsAsync<OwnershipLostException>(() => former.MoveAsync(9, default));
        Assert.Equal(5, (await Checkpoint.TakeAsync(rig.Source, "x", default)).Position);
        // The daemon notices at its next batch, takes the shard anew, and counts the event once.
        await rig.AppendAsync("video-1", SampleEvents.Uploaded());
        await rig.WaitAsync("video-rows");
        Assert.Equal(["2"], await rig.RowsAsync("select touched from video_rows"));
    }

    [Fact]
    public async Task A_paused_projection_rests_until_it_is_resumed()
    {
        var daemon = await rig.DaemonAsync(new DaemonPlan().Add(new VideoRows()));
        await rig.AppendAsync("video-1", SampleEvents.Registered());
        await rig.WaitAsync("video-rows");
        Assert.Equal(1, await rig.Readers.PauseAsync("video-rows", default));
        await StoreRig.EventuallyAsync(() => Task.FromResult(!daemon.Owns("video-rows:g1")));
        await rig.AppendAsync("video-1", SampleEvents.Uploaded());
        var rests = await Assert.ThrowsAsync<StaleProjectionException>(() =>
            rig.Readers.WaitForNonStaleAsync("video-rows", TimeSpan.FromMilliseconds(300), default));
        Assert.Contains("it is paused, resume it", rests.Message, StringComparison.Ordinal);
        Assert.Equal(["1"], await rig.RowsAsync("select touched from video_rows"));
        Assert.Equal(1, await rig.Readers.ResumeAsync("video-rows", default));
        await rig.WaitAsync("video-rows");
        Assert.Equal(["2"], await rig.RowsAsync("select touched from video_rows"));
        var stale = await Assert.ThrowsAsync<StaleProjectionException>(() =>
            rig.Readers.WaitForNonStaleAsync("nothing", TimeSpan.Zero, default));
        Assert.Contains("no running process", stale.Message, StringComparison.Ordinal);
        Assert.Equal(0, await rig.Readers.PauseAsync("nothing", default));
    }
}
