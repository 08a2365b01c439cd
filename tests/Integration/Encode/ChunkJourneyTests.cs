using System.Diagnostics;
using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Packaging;

namespace EventStream.Integration.Tests.Encode;

/// <summary>A long film through planner and workers, which are processes; one of them is killed on the way.</summary>
public sealed class ChunkJourneyTests : IAsyncLifetime
{
    private const int Seconds = 18;
    private EncodeStage stage = null!;

    public async Task InitializeAsync() => stage = await EncodeStage.StartAsync();

    public async Task DisposeAsync() => await stage.DisposeAsync();

    [Fact]
    public async Task A_film_in_chunks_plays_from_the_first_one_and_is_whole_though_a_worker_is_killed()
    {
        stage.Settings["Encode:ChunkFromSeconds"] = "8";
        stage.Settings["Encode:ChunkSeconds"] = "4";
        var key = stage.Rig.Clip(
            "film.mp4",
            $"-f lavfi -i testsrc2=size=854x480:rate=24:duration={Seconds} -f lavfi -i sine=duration={Seconds} "
                + "-c:v libx264 -preset ultrafast -g 12 -c:a aac"
        );
        var planner = await stage.PlannerAsync();
        Process[] workers = [Worker("w0"), Worker("w1")];
        try
        {
            var now = TimeProvider.System.GetUtcNow();
            var id = VideoId.New(now);
            var uploaded = new VideoUploaded(id, key, 1000, "00", now);
            await EncodeStage.PublishAsync(planner, Topics.VideoEvents, id, uploaded);
            await Until.TrueAsync(() => stage.Of<ChunkEncoded>().Count() >= 2, "chunks", 120);
            workers[0].Kill();
            await workers[0].WaitForExitAsync();
            workers[0].Dispose();
            workers[0] = Worker("w0");
            await Until.TrueAsync(() => stage.Of<EncodeCompleted>().Any(), "the end of the job", 240);
        }
        finally
        {
            foreach (var worker in workers)
                worker.Kill(entireProcessTree: true);
        }

        var told = stage.Records.Select(record => record.Message).ToList();
        var begun = told.FindIndex(message => message is ChunkEncoded { Task: "360p.1", IsFirst: true });
        Assert.True(begun > 0, "the first chunk is reported");
        Assert.All(
            told.Index()
                .Where(at => at.Item is EncodeTaskStarted started && EncodeTasks.ChunkOf(started.Task)?.Number > 1),
            at => Assert.True(at.Index > begun, "no other chunk is begun before the first one is done")
        );
        Assert.Equal(
            ["360p.1", "360p.2", "360p.3", "360p.4", "rungs.1", "rungs.2", "rungs.3", "rungs.4"],
            stage.Of<ChunkEncoded>().Select(chunk => chunk.Task).Distinct().Order(StringComparer.Ordinal)
        );
        var made = stage.Of<RenditionEncoded>().SelectMany(done => done.All()).DistinctBy(made => made.Name).ToList();
        Assert.Equal(["240p", "360p", "480p", "audio"], made.Select(made => made.Name).Order(StringComparer.Ordinal));
        var picture = made.Single(rendition => rendition.Name == "360p").SegmentDurationsSeconds.Sum();
        Assert.All(made, rendition => Assert.Equal(picture, rendition.SegmentDurationsSeconds.Sum(), 0.04));
        foreach (var rendition in made.Where(rendition => rendition.Kind == Rendition.Video))
        {
            var files = Directory.GetFiles(stage.Rig.PathOf(rendition.Prefix), "*.m4s");
            Assert.Equal(rendition.SegmentDurationsSeconds.Count, files.Length);
            var frames = stage.Rig.Probe(
                stage.Rig.PathOf($"{rendition.Prefix}/{MediaPlaylist.FileName}"),
                "-count_frames -show_entries stream=nb_read_frames"
            );
            Assert.Contains($"{Seconds * 24}", frames);
        }
    }

    private Process Worker(string id) => stage.StartProcess("encode-worker", ("Encode:WorkerId", id));
}
