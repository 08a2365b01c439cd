using EventStream.Contracts;

namespace EventStream.Integration.Tests.Encode;

/// <summary>A worker whose every ffmpeg hangs, beside one that works, on a real broker and PostgreSQL.</summary>
public sealed class StuckToolTests : IAsyncLifetime
{
    private const int Videos = 3;
    private EncodeStage stage = null!;

    public async Task InitializeAsync() => stage = await EncodeStage.StartAsync();

    public async Task DisposeAsync() => await stage.DisposeAsync();

    [Fact]
    public async Task A_stuck_tool_is_ended_and_its_task_is_done_by_another_worker()
    {
        var key = stage.Rig.Clip("film.mp4", "-f lavfi -i testsrc2=size=640x360:duration=1 -c:v libx264");
        var started = Path.Combine(stage.Rig.Folder, "stuck-ffmpeg.pids");
        var hanging = stage.Rig.Script(
            Path.Combine(stage.Rig.Folder, "stuck-ffmpeg"),
            $"echo $$ >> {started}\nexec sleep 600"
        );
        stage.Settings["Encode:ProgramQuietMax"] = "00:00:02";
        // Half of the attempts go to the worker whose tools hang.
        stage.Settings["Encode:MaxAttempts"] = "20";
        var planner = await stage.PlannerAsync();
        await stage.WorkerAsync("stuck", hanging);
        await stage.WorkerAsync("sound");
        var now = TimeProvider.System.GetUtcNow();
        for (var i = 0; i < Videos; i++)
        {
            var id = VideoId.New(now);
            await EncodeStage.PublishAsync(
                planner,
                Topics.VideoEvents,
                id,
                new VideoUploaded(id, key, 1000, "00", now)
            );
        }

        await Until.TrueAsync(() => stage.Of<EncodeCompleted>().Count() == Videos, "the end of every job", 180);
        var failed = stage.Of<EncodeTaskFailed>().Where(failed => failed.Worker == "stuck").ToList();
        Assert.NotEmpty(failed);
        Assert.All(failed, one => Assert.Contains("said nothing for 2 s", one.Cause, StringComparison.Ordinal));
        Assert.All(stage.Of<RenditionEncoded>(), done => Assert.Equal("sound", done.Worker));
        Assert.DoesNotContain(stage.Of<EncodeTaskFinished>(), finished => finished.Cause is not null);
        Assert.All(
            await File.ReadAllLinesAsync(started),
            process => Assert.False(Directory.Exists($"/proc/{process}"), "a stuck ffmpeg has ended")
        );
    }
}
