using EventStream.Contracts;

namespace EventStream.Integration.Tests.Encode;

/// <summary>Workers of one lane each, on a real broker and a real PostgreSQL.</summary>
public sealed class WorkerClassTests : IAsyncLifetime
{
    private EncodeStage stage = null!;

    public async Task InitializeAsync() => stage = await EncodeStage.StartAsync();

    public async Task DisposeAsync() => await stage.DisposeAsync();

    [Fact]
    public async Task A_worker_of_a_lane_takes_the_tasks_of_that_lane_alone()
    {
        var key = stage.Rig.Clip("film.mp4", "-f lavfi -i testsrc2=size=640x360:duration=2 -c:v libx264");
        var planner = await stage.PlannerAsync();
        foreach (var lane in (string[])["fast", "heavy"])
        {
            stage.Settings["Encode:Lanes"] = lane;
            await stage.WorkerAsync(lane);
        }

        var now = TimeProvider.System.GetUtcNow();
        var id = VideoId.New(now);
        await EncodeStage.PublishAsync(planner, Topics.VideoEvents, id, new VideoUploaded(id, key, 1000, "00", now));
        await Until.TrueAsync(() => stage.Of<EncodeCompleted>().Any(), "the end of the job", 90);
        Assert.Equal(
            ["240p heavy", "360p fast", "probe fast", "quality heavy", "thumbnails heavy"],
            stage.Of<EncodeTaskStarted>().Select(start => $"{start.Task} {start.Worker}").Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task A_lane_that_is_none_is_named()
    {
        stage.Settings["Encode:Lanes"] = "slow";
        var refused = await Assert.ThrowsAnyAsync<Exception>(() => stage.WorkerAsync("w1"));
        Assert.Contains("Encode:Lanes 'slow' must be fast, heavy or both", refused.Message, StringComparison.Ordinal);
    }
}
