using System.Diagnostics;
using EventStream.Contracts;

namespace EventStream.Integration.Tests.Encode;

/// <summary>
/// Two workers as processes that are killed in turn, at any instant, while many videos are encoded: every video ends
/// whole, and what a killed worker left is cleaned away.
/// </summary>
public sealed class WorkerFaultTests : IAsyncLifetime
{
    private const int Videos = 10;
    private const int Kills = 4;
    private const int Seed = 20261130;
    private EncodeStage stage = null!;

    public async Task InitializeAsync() => stage = await EncodeStage.StartAsync();

    public async Task DisposeAsync() => await stage.DisposeAsync();

    [Fact]
    public async Task Workers_that_are_killed_leave_every_video_whole_and_nothing_behind()
    {
        var key = stage.Rig.Clip(
            "film.mp4",
            "-f lavfi -i testsrc2=size=854x480:rate=24:duration=5 -f lavfi -i sine=duration=5 "
                + "-c:v libx264 -preset ultrafast -c:a aac"
        );
        var planner = await stage.PlannerAsync();
        var random = new Random(Seed);
        Process[] workers = [Worker("w0"), Worker("w1")];
        try
        {
            var now = TimeProvider.System.GetUtcNow();
            foreach (var _ in Enumerable.Range(0, Videos))
            {
                var id = VideoId.New(now);
                var uploaded = new VideoUploaded(id, key, 1000, "00", now);
                await EncodeStage.PublishAsync(planner, Topics.VideoEvents, id, uploaded);
            }

            for (var kill = 0; kill < Kills; kill++)
            {
                var started = stage.Of<EncodeTaskStarted>().Count();
                await Until.TrueAsync(() => stage.Of<EncodeTaskStarted>().Count() >= started + 3, "work", 120);
                await Task.Delay(random.Next(700));
                workers[kill % 2].Kill();
                await workers[kill % 2].WaitForExitAsync();
                workers[kill % 2].Dispose();
                workers[kill % 2] = Worker($"w{kill % 2}");
            }

            await Until.TrueAsync(() => stage.Of<EncodeCompleted>().Count() == Videos, "the end of every job", 300);
            await Until.TrueAsync(() => LeftBehind().Length == 0, "empty work folders");
        }
        finally
        {
            foreach (var worker in workers)
                worker.Kill(entireProcessTree: true);
        }

        var made = stage.Of<RenditionEncoded>().SelectMany(done => done.All()).ToList();
        Assert.Equal(Videos * 4, made.Select(rendition => rendition.Prefix).Distinct().Count());
        foreach (var rendition in made.DistinctBy(rendition => rendition.Prefix))
        {
            var files = Directory.GetFiles(stage.Rig.PathOf(rendition.Prefix), "*.m4s");
            Assert.Equal(rendition.SegmentDurationsSeconds.Count, files.Length);
            Assert.Equal(5, rendition.SegmentDurationsSeconds.Sum(), 0.05);
            var frames = stage.Rig.Probe(
                stage.Rig.PathOf($"{rendition.Prefix}/media.m3u8"),
                "-count_packets -show_entries stream=nb_read_packets"
            );
            if (rendition.Kind == Rendition.Video)
                Assert.Contains("120", frames);
        }
    }

    private Process Worker(string id) => stage.StartProcess("encode-worker", ("Encode:WorkerId", id));

    /// <summary>Folders of tasks in the workers' own folders.</summary>
    private string[] LeftBehind() =>
        [
            .. Directory
                .GetDirectories(Path.Combine(stage.Rig.Folder, "work"), "w*")
                .SelectMany(Directory.GetFileSystemEntries),
        ];
}
