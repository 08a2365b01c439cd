using EventStream.Contracts;
using EventStream.Tests.Kit;
using Xunit.Abstractions;

namespace EventStream.Integration.Tests.Encode;

/// <summary>
/// Many uploads at once, on a real broker and a real PostgreSQL, encoded by two workers; fifty of them in
/// <c>make soak</c>.
/// </summary>
[Trait("Category", "Fault")]
public sealed class BurstTests(ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly int Videos = FaultRun.IsSoak ? 50 : 12;
    private EncodeStage stage = null!;

    public async Task InitializeAsync() => stage = await EncodeStage.StartAsync();

    public async Task DisposeAsync() => await stage.DisposeAsync();

    [Fact]
    public async Task Every_first_rung_is_made_before_any_top_rung_and_nothing_starves()
    {
        var key = stage.Rig.Clip(
            "film.mp4",
            "-f lavfi -i testsrc2=size=854x480:rate=24:duration=2 -f lavfi -i sine=duration=2 "
                + "-c:v libx264 -preset ultrafast -c:a aac"
        );
        var planner = await stage.PlannerAsync();
        await Task.WhenAll(stage.WorkerAsync("w1"), stage.WorkerAsync("w2"));
        var now = TimeProvider.System.GetUtcNow();
        await Task.WhenAll(
            Enumerable
                .Range(0, Videos)
                .Select(_ =>
                {
                    var id = VideoId.New(now);
                    var uploaded = new VideoUploaded(id, key, 1000, "00", now);
                    return EncodeStage.PublishAsync(planner, Topics.VideoEvents, id, uploaded);
                })
        );
        await Until.TrueAsync(() => stage.Of<EncodeCompleted>().Count() == Videos, "the end of every job", 600);
        var made = stage.Of<RenditionEncoded>().ToList();
        var firsts = made.Where(done => done.Rendition.Name == "360p").ToList();
        var tops = made.Where(done => done.TaskName() == EncodeRung.Together).ToList();
        Assert.Equal((Videos, Videos), (firsts.Count, tops.Count));
        var ends = stage.Of<EncodeCompleted>().Select(end => (end.CompletedAt - now).TotalSeconds).ToList();
        var playable = firsts.ConvertAll(done => (done.EncodedAt - now).TotalSeconds);
        output.WriteLine(
            $"{Videos} videos: one playable after {playable.Min():0.0} s, every one after {playable.Max():0.0} s, "
                + $"one whole after {ends.Min():0.0} s, every one after {ends.Max():0.0} s"
        );
        Assert.True(
            firsts.Max(done => done.EncodedAt) < tops.Min(done => done.EncodedAt),
            "the first rung of every video comes before the top rung of any"
        );
        Assert.All(tops, top => Assert.Equal(["240p", "480p"], top.All().Select(rendition => rendition.Name)));
        Assert.Empty(stage.Of<EncodeTaskResent>());
    }
}
