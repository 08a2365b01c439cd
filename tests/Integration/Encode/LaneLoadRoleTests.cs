using EventStream.Contracts;

namespace EventStream.Integration.Tests.Encode;

/// <summary>The load of the lanes as the planner's role publishes it, on a real broker and a real PostgreSQL.</summary>
public sealed class LaneLoadRoleTests : IAsyncLifetime
{
    private EncodeStage stage = null!;

    public async Task InitializeAsync()
    {
        stage = await EncodeStage.StartAsync();
        stage.Settings["Encode:LoadStepSeconds"] = "0.5";
    }

    public async Task DisposeAsync() => await stage.DisposeAsync();

    [Fact]
    public async Task Each_step_of_each_lane_is_on_the_topic_once_also_zeros_and_across_a_restart_of_the_planner()
    {
        var key = stage.Rig.Clip("film.mp4", "-f lavfi -i testsrc2=size=640x360:duration=2 -c:v libx264");
        var planner = await stage.PlannerAsync();
        await Until.TrueAsync(() => Of("fast:waiting").Count > 0 && Of("heavy:arriving").Count > 0, "zeros");
        Assert.All(stage.Of<LoadMeasured>(), load => Assert.Equal(0, load.Value));

        var id = VideoId.New(TimeProvider.System.GetUtcNow());
        var uploaded = new VideoUploaded(id, key, 1000, "00", TimeProvider.System.GetUtcNow());
        await EncodeStage.PublishAsync(planner, Topics.VideoEvents, id, uploaded);
        await Until.TrueAsync(() => Of("fast:waiting").Any(load => load.Value > 0), "a probe that waits");
        await stage.StopRolesAsync();
        var before = Of("fast:waiting").Count;
        await stage.PlannerAsync(listen: false);
        await Until.TrueAsync(() => Of("fast:waiting").Count > before, "load after the restart");
        Assert.Equal(0.5, Of("fast:waiting")[^1].Value);

        await stage.WorkerAsync("w1");
        await Until.TrueAsync(() => stage.Of<EncodeCompleted>().Any(), "the end of the job", 90);
        // A step is on the topic some time after it is over.
        var end = stage.Of<EncodeCompleted>().Single().CompletedAt;
        await Until.TrueAsync(
            () =>
                Of("heavy:arriving")[^1].Time >= end
                && Of("heavy:waiting")[^1] is { Value: 0 } last
                && last.Time >= end,
            "nothing that waits"
        );
        // The probe, then all that is planned, and at the end the measurement arrived once, in steps without a gap.
        var arrivals = Of("fast:arriving");
        Assert.Equal(2, arrivals.Count(load => load.Value > 0));
        Assert.Equal(2, Of("heavy:arriving").Count(load => load.Value > 0));
        Assert.All(
            arrivals.Zip(arrivals.Skip(1)),
            pair => Assert.Equal(0.5, (pair.Second.Time - pair.First.Time).TotalSeconds)
        );
    }

    /// <summary>The steps of a resource in the order of time; the stage counts a record with a known id once.</summary>
    private List<LoadMeasured> Of(string resource) =>
        [.. stage.Of<LoadMeasured>().Where(load => load.Resource == $"encode:{resource}").OrderBy(load => load.Time)];
}
