using EventStream.EventStore.Daemon;
using EventStream.EventStore.Projections;

namespace EventStream.Tests.Integration.EventStore;

/// <summary>What becomes of an event that a projection cannot apply or a program cannot read.</summary>
[Trait("Category", "Integration")]
public sealed class ErrorPolicyTests : IAsyncLifetime
{
    private StoreRig rig = null!;

    public async Task InitializeAsync() => rig = await StoreRig.StartAsync("policy");

    public async Task DisposeAsync() => await rig.DisposeAsync();

    [Fact]
    public async Task Stop_stays_before_the_event_and_says_so_and_a_resumed_shard_with_the_fault_gone_misses_nothing()
    {
        var refuses = true;
        await AppendThreeAsync();
        var daemon = await rig.DaemonAsync(new DaemonPlan().Add(new VideoLife.Projection
        {
            Refuses = e => refuses && e.Stream == "video-2",
            OnError = ErrorPolicy.Stop,
            BatchMax = 1,
        }));
        var stopped = await Assert.ThrowsAsync<ProjectionStoppedException>(() => rig.WaitAsync("video-life"));
        Assert.Contains("position 2 (video-2, version 1)", stopped.Message, StringComparison.Ordinal);
        await StoreRig.EventuallyAsync(() => Task.FromResult(daemon.Trouble?.Contains("stopped") == true));
        Assert.Equal(["1"], await rig.RowsAsync("select id from video_life"));
        refuses = false;
        await rig.Readers.ResumeAsync("video-life", default);
        await rig.WaitAsync("video-life");
        Assert.Equal(["1", "2", "3"], await rig.RowsAsync("select id from video_life order by id"));
        await StoreRig.EventuallyAsync(() => Task.FromResult(daemon.Trouble is null), () => daemon.Trouble!);
    }

    [Fact]
    public async Task Skip_notes_the_event_and_goes_on()
    {
        await AppendThreeAsync();
        await rig.DaemonAsync(new DaemonPlan().Add(new VideoLife.Projection
        {
            Refuses = e => e.Stream == "video-2",
            OnError = ErrorPolicy.Skip,
        }));
        await rig.WaitAsync("video-life");
        Assert.Equal(["1", "3"], await rig.RowsAsync("select id from video_life order by id"));
        Assert.Equal(
            ["video-life:g1|2|video-2|1|video.registered.v1"],
            await rig.RowsAsync("select reader, position, stream, version, event_name from projection_errors"));
        Assert.Equal(1, Assert.Single(await rig.Readers.ListAsync(default)).Errors);
    }

    [Fact]
    public async Task Retry_tries_so_often_and_an_event_that_then_passes_is_not_noted()
    {
        var tries = 0;
        await AppendThreeAsync();
        await rig.DaemonAsync(new DaemonPlan().Add(new VideoLife.Projection
        {
            Refuses = e => e.Stream == "video-2" && ++tries <= 3,
            OnError = new ErrorPolicy(3, TimeSpan.FromMilliseconds(5), ErrorAction.Stop),
        }));
        await rig.WaitAsync("video-life");
        Assert.Equal(4, tries);
        Assert.Equal(["1", "2", "3"], await rig.RowsAsync("select id from video_life order by id"));
        Assert.Empty(await rig.RowsAsync("select * from projection_errors"));
    }

    [Fact]
    public async Task An_event_whose_statement_fails_is_found_among_its_batch()
    {
        await rig.AppendAsync("video-1", SampleEvents.Registered("short"));
        await rig.AppendAsync("video-2", SampleEvents.Registered(new string('x', 41)));
        await rig.AppendAsync("video-3", SampleEvents.Registered("short"));
        await rig.DaemonAsync(new DaemonPlan().Add(new Journal { OnError = ErrorPolicy.Skip }));
        await rig.WaitAsync("journal");
        Assert.Equal(["video-1", "video-3"], await rig.RowsAsync("select stream from journal order by position"));
        Assert.Contains("value too long", Assert.Single(await rig.RowsAsync("select error from projection_errors")),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_event_that_this_program_cannot_read_is_treated_by_the_policy_too()
    {
        await AppendThreeAsync();
        await rig.ExecuteAsync("update events set name = 'video.from-the-future.v9' where stream = 'video-2'");
        await rig.DaemonAsync(new DaemonPlan()
            .Add(new VideoLife.Projection { OnError = ErrorPolicy.Skip })
            .Add(new Journal { OnError = ErrorPolicy.Stop }));
        await rig.WaitAsync("video-life");
        Assert.Equal(["1", "3"], await rig.RowsAsync("select id from video_life order by id"));
        Assert.Equal(["video-life:g1|video.from-the-future.v9"], await rig.RowsAsync(
            "select reader, event_name from projection_errors"));
        var stopped = await Assert.ThrowsAsync<ProjectionStoppedException>(() => rig.WaitAsync("journal"));
        Assert.Contains("'video.from-the-future.v9' at position 2", stopped.Message, StringComparison.Ordinal);
        Assert.Equal(["video-1"], await rig.RowsAsync("select stream from journal"));
    }

    private async Task AppendThreeAsync()
    {
        foreach (var stream in (string[])["video-1", "video-2", "video-3"])
            await rig.AppendAsync(stream, SampleEvents.Registered());
    }
}
