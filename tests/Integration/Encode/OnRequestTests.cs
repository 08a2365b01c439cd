using EventStream.Contracts;

namespace EventStream.Integration.Tests.Encode;

/// <summary>
/// Planner and worker as their roles, with rungs above a height that are made when a viewer comes: the session of one
/// brings them, and none for the time that they are kept takes them away.
/// </summary>
public sealed class OnRequestTests : IAsyncLifetime
{
    private readonly VideoId id = VideoId.New(TimeProvider.System.GetUtcNow());
    private EncodeStage stage = null!;

    public async Task InitializeAsync() => stage = await EncodeStage.StartAsync();

    public async Task DisposeAsync() => await stage.DisposeAsync();

    [Fact]
    public async Task A_viewer_brings_the_rungs_and_they_are_evicted_when_nobody_comes()
    {
        stage.Settings["Encode:OnRequestAbove"] = "360";
        stage.Settings["Encode:OnRequestKeep"] = "00:00:05";
        var key = stage.Rig.Clip(
            "film.mp4",
            "-f lavfi -i testsrc2=size=854x480:rate=24:duration=4 -c:v libx264 -preset ultrafast"
        );
        var planner = await stage.PlannerAsync();
        await stage.WorkerAsync("w1");
        var uploaded = new VideoUploaded(id, key, 1000, "00", TimeProvider.System.GetUtcNow());
        await EncodeStage.PublishAsync(planner, Topics.VideoEvents, id, uploaded);
        await Until.TrueAsync(() => stage.Of<EncodeCompleted>().Any(), "the end of the job", 90);
        Assert.Equal("480p", Assert.Single(Assert.Single(stage.Of<EncodeRungsDeferred>()).Rungs).Name);
        Assert.DoesNotContain(stage.Of<RenditionEncoded>().SelectMany(made => made.All()), IsTall);

        await WatchAsync();
        await Until.TrueAsync(() => Tall().Any(), "the rung that the viewer brought", 60);
        Assert.Equal(2, Tall().Single().SegmentDurationsSeconds.Count);
        await Until.TrueAsync(() => stage.Of<EncodeRungsEvicted>().Any(), "the rung's eviction", 60);
        Assert.Equal([$"media/{id}/480p"], stage.Of<EncodeRungsEvicted>().Single().Prefixes);

        await WatchAsync();
        await Until.TrueAsync(() => Tall().Count() == 2, "the rung of the next viewer", 60);
        Assert.Equal($"media/{id}/480p.1", Tall().Last().Prefix);
        Assert.Single(stage.Of<EncodeCompleted>());

        async Task WatchAsync()
        {
            var now = TimeProvider.System.GetUtcNow();
            var quality = new SessionQuality(300, 0, 0, 1000, 1000, 800, 0, 0, false, false);
            var subject = new SessionSubject($"{id}", "edge-a", "eu", "desktop", "hls.js");
            var session = new SessionUpdated("s-1", subject, "playing", quality, 1, now, now);
            await EncodeStage.PublishAsync(planner, Topics.QoeSessions, id, session);
        }
    }

    private IEnumerable<Rendition> Tall() => stage.Of<RenditionEncoded>().SelectMany(made => made.All()).Where(IsTall);

    private static bool IsTall(Rendition rendition) => rendition.Height > 360;
}
