using EventStream.EventStore.Daemon;

namespace EventStream.Tests.Integration.EventStore;

/// <summary>Rebuilds beside the live tables, with the switch that readers and writers do not notice.</summary>
[Trait("Category", "Integration")]
public sealed class RebuildTests : IAsyncLifetime
{
    private StoreRig rig = null!;

    public async Task InitializeAsync() => rig = await StoreRig.StartAsync("rebuild");

    public async Task DisposeAsync() => await rig.DisposeAsync();

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    [InlineData(3, 1)]
    public async Task A_rebuilt_projection_equals_the_kept_one_while_appends_and_readers_go_on(int seed, int shards)
    {
        var plan = new DaemonPlan().Add(new VideoRows { Shards = shards }).Add(new PublisherTotals.Projection())
            .Add(new VideoLife.Projection { Shards = shards });
        await rig.DaemonAsync(plan);
        var random = new Random(seed);
        var model = await RandomHistory.AppendAsync(rig, random, streams: 20, appends: 60);
        await rig.WaitAsync("publisher-totals");
        using var readers = new CancellationTokenSource();
        var reading = ReadAsync(readers.Token);
        var appending = model.GoOnAsync(rig, random, 20, 120);
        for (var again = 0; again < 2; again++)
            foreach (var projection in plan.Projections) await rig.RebuildAsync(projection);
        await appending;
        await readers.CancelAsync();
        Assert.True(await reading > 0);
        foreach (var projection in plan.Projections) await rig.WaitAsync(projection.Name);
        Assert.Equal(model.Touched(), await rig.RowsAsync("select stream, touched from video_rows order by stream"));
        Assert.Equal(model.Totals(), await rig.RowsAsync(
            "select id, data->>'Videos', data->>'SizeBytes' from publisher_totals order by id"));
        Assert.Equal(
            model.Lives(),
            await rig.RowsAsync("select id, data->>'Status', data->>'Events' from video_life order by id"));
        Assert.All(await rig.Readers.GenerationsAsync(default), g => Assert.True(g is { Live: true, Generation: 3 }));
        Assert.Equal(["3"], await rig.RowsAsync(
            $"""
            select count(*) from pg_tables
            where schemaname = '{rig.Options.Schema}' and tablename ~ 'rows|totals|life'
            """));
    }

    [Fact]
    public async Task A_shard_of_a_generation_that_was_replaced_cannot_begin_again_at_the_first_event()
    {
        var projection = new VideoRows();
        var daemon = await rig.DaemonAsync(new DaemonPlan().Add(projection));
        await rig.AppendAsync("video-1", SampleEvents.Registered("One"), SampleEvents.Uploaded());
        await rig.WaitAsync(projection.Name);
        var registry = new ProjectionRegistry(rig.Source, rig.Options);
        var old = Assert.Single(await registry.ReadAsync(default));
        await rig.RebuildAsync(projection);
        // As a process that saw the old generation a moment before the switch.
        await Assert.ThrowsAsync<OwnershipLostException>(
            () => registry.TakeAsync(old, old.ShardNames.Single(), default));
        await rig.WaitAsync(projection.Name);
        await rig.StopAsync(daemon);
        Assert.Equal([$"{projection.Name}:g2"], await rig.RowsAsync("select reader from checkpoints"));
        Assert.Equal(["video-1|2"], await rig.RowsAsync("select stream, touched from video_rows"));
    }

    [Fact]
    public async Task A_new_version_is_built_beside_the_old_one_and_takes_its_place()
    {
        var old = await rig.DaemonAsync(new DaemonPlan().Add(new VideoLife.Projection()));
        await rig.AppendAsync("video-1", SampleEvents.Registered("One"), SampleEvents.Uploaded());
        await rig.WaitAsync("video-life");
        Assert.Equal(["uploaded"], await rig.RowsAsync("select data->>'Status' from video_life"));
        // A process with the new version starts beside the old one, which runs on.
        await using var next = await StoreRig.OpenAsync(rig.Options);
        await next.DaemonAsync(new DaemonPlan().Add(new VideoLife.Projection(version: 2)));
        await StoreRig.EventuallyAsync(async () =>
            (await rig.RowsAsync("select data->>'Status' from video_life")).SequenceEqual(["complete"]));
        await rig.AppendAsync("video-2", SampleEvents.Registered("Two"), SampleEvents.Uploaded());
        await next.WaitAsync("video-life");
        Assert.Equal(["complete", "complete"], await rig.RowsAsync("select data->>'Status' from video_life"));
        await StoreRig.EventuallyAsync(() => Task.FromResult(
            old.Trouble?.Contains("version 2 is live and this program knows 1", StringComparison.Ordinal) == true));
    }

    [Fact]
    public async Task A_rebuild_that_died_leaves_the_live_tables_and_the_next_one_goes_on_from_its_checkpoint()
    {
        var model = await RandomHistory.AppendAsync(rig, new Random(5), streams: 10, appends: 40);
        var daemon = await rig.DaemonAsync(new DaemonPlan().Add(new VideoRows { BatchMax = 10 }));
        await rig.WaitAsync("video-rows");
        await rig.StopAsync(daemon);
        using var died = new CancellationTokenSource();
        var progress = new Reporting(p =>
        {
            if (p.Position > 0) died.Cancel();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => rig.RebuildAsync(new VideoRows { BatchMax = 1 }, progress, died.Token));
        Assert.Equal(model.Touched(), await rig.RowsAsync("select stream, touched from video_rows order by stream"));
        var left = Assert.Single(await rig.Readers.GenerationsAsync(default), g => !g.Live);
        Assert.Equal(2, left.Generation);
        // A daemon finds what was begun and ends it.
        await rig.DaemonAsync(new DaemonPlan().Add(new VideoRows()));
        await StoreRig.EventuallyAsync(async () => (await rig.Readers.GenerationsAsync(default)).All(g => g.Live));
        Assert.Equal(2, Assert.Single(await rig.Readers.GenerationsAsync(default)).Generation);
        await rig.WaitAsync("video-rows");
        Assert.Equal(model.Touched(), await rig.RowsAsync("select stream, touched from video_rows order by stream"));
    }

    /// <summary>
    /// Reads as a user does: whoever was there stays there, no count falls (no video is rejected in the first events of
    /// its life before it was counted), and no statement fails.
    /// </summary>
    private async Task<int> ReadAsync(CancellationToken stop)
    {
        var (reads, videos, bytes) = (0, 0L, 0L);
        while (!stop.IsCancellationRequested)
        {
            var row = Assert.Single(await rig.RowsAsync(
                "select sum((data->>'Videos')::bigint), sum((data->>'SizeBytes')::bigint) from publisher_totals"))
                .Split('|');
            var now = (Videos: long.Parse(row[0]), Bytes: long.Parse(row[1]));
            Assert.True(now.Videos >= videos && now.Bytes >= bytes,
                $"Readers went from {videos} back to {now.Videos} videos.");
            (videos, bytes) = now;
            await rig.RowsAsync("select count(*) from video_rows");
            reads++;
            await Task.Delay(2, CancellationToken.None);
        }

        return reads;
    }

    private sealed class Reporting(Action<RebuildProgress> report) : IProgress<RebuildProgress>
    {
        public void Report(RebuildProgress value) => report(value);
    }
}
