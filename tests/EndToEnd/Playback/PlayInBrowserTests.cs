using System.Net;
using System.Net.Http.Json;
using EventStream.Contracts;
using EventStream.Playback.Sessions;
using EventStream.Tests.Kit;
using Microsoft.Playwright;

namespace EventStream.EndToEnd.Tests.Playback;

public sealed class PlayInBrowserTests(SampleVideo video, PlayerPage player)
    : IClassFixture<SampleVideo>,
        IClassFixture<PlayerPage>
{
    // Four boundaries of two-second segments lie before this time.
    private const double PastFourBoundaries = 9;

    // At most six seconds are buffered when the edge stops.
    private const double PastWhatWasBuffered = 10;
    private const int PatienceMs = 40_000;

    [Theory]
    [InlineData("playHls")]
    [InlineData("playDash")]
    public async Task A_signed_session_plays_past_four_segment_boundaries(string play)
    {
        await using var rig = await PlaybackRig.StartAsync(video.MediaRoot);
        rig.Tell(video.Events());
        var session = await OpenAsync(rig);
        var page = await player.OpenAsync();

        await page.EvaluateAsync($"u => {play}(u)", play == "playHls" ? session.HlsUrl : session.DashUrl);
        await PlayUntilAsync(page, PastFourBoundaries);

        Assert.Empty(await page.EvaluateAsync<string[]>("errors"));
        Assert.Contains("\"status\":200", await File.ReadAllTextAsync(rig.Edges[0].AccessLog));
        await page.CloseAsync();
    }

    [Theory]
    [InlineData("playHls")]
    [InlineData("playDash")]
    public async Task Playback_goes_on_from_the_other_edge_when_one_is_stopped(string play)
    {
        await using var rig = await PlaybackRig.StartAsync(video.MediaRoot);
        rig.Tell(video.Events());
        var session = await OpenAsync(rig);
        var page = await player.OpenAsync();
        await page.EvaluateAsync($"u => {play}(u)", play == "playHls" ? session.HlsUrl : session.DashUrl);
        await PlayUntilAsync(page, 1);
        Assert.Contains(".m4s", await File.ReadAllTextAsync(rig.Edges[0].AccessLog));

        await rig.Edges[0].DisposeAsync();
        await PlayUntilAsync(page, PastWhatWasBuffered);

        Assert.Contains(".m4s", await File.ReadAllTextAsync(rig.Edges[1].AccessLog));
        Assert.Equal(1, await page.EvaluateAsync<int>("performance.getEntriesByType('navigation').length"));
        await page.CloseAsync();
    }

    [Fact]
    public async Task What_is_ready_plays_before_every_rung_is_there()
    {
        await using var rig = await PlaybackRig.StartAsync(video.MediaRoot);
        rig.Tell(video.Events("180p", "audio"));
        var session = await OpenAsync(rig);
        var page = await player.OpenAsync();

        await page.EvaluateAsync("u => playHls(u)", session.HlsUrl);
        await PlayUntilAsync(page, 1);

        Assert.Equal(180, await page.EvaluateAsync<int>("v.videoHeight"));
        await page.CloseAsync();
    }

    [Fact]
    public async Task A_long_video_plays_from_its_begin_while_it_grows_and_to_its_end()
    {
        await using var rig = await PlaybackRig.StartAsync(video.MediaRoot);
        var whole = video.Events("180p").OfType<VideoRenditionEncoded>().Single();
        var half = whole.Rendition.SegmentDurationsSeconds.Count / 2;
        Rendition Part(IEnumerable<double> segments) =>
            whole.Rendition with
            {
                SegmentDurationsSeconds = [.. segments],
            };
        var first = Part(whole.Rendition.SegmentDurationsSeconds.Take(half));
        var second = Part(whole.Rendition.SegmentDurationsSeconds.Skip(half));
        rig.Tell(video.Events("audio").Append(new VideoChunkEncoded(video.Id, first, 1, 2, whole.EncodedAt)));
        var session = await OpenAsync(rig);
        var page = await player.OpenAsync();

        await page.EvaluateAsync(
            "u => { v.onplaying = () => window.begun ??= v.currentTime; playHls(u); }",
            session.HlsUrl
        );
        await PlayUntilAsync(page, 1);
        Assert.InRange(await page.EvaluateAsync<double>("window.begun"), 0, 0.5);
        rig.Tell([new VideoChunkEncoded(video.Id, second, 2, 2, whole.EncodedAt), whole]);
        await page.WaitForFunctionAsync("v.ended", null, new PageWaitForFunctionOptions { Timeout = PatienceMs });

        Assert.Equal(SampleVideo.Seconds, await page.EvaluateAsync<double>("v.currentTime"), 0.1);
        Assert.Empty(await page.EvaluateAsync<string[]>("errors"));
        await page.CloseAsync();
    }

    private static async Task<SessionOpened> OpenSessionAsync(PlaybackRig rig, VideoId id)
    {
        using var answer = await rig.Http.PostAsJsonAsync(
            $"{rig.PlaybackUrl}/v1/videos/{id}/sessions",
            new { player = "hls.js", region = "eu" }
        );
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<SessionOpened>())!;
    }

    private Task<SessionOpened> OpenAsync(PlaybackRig rig) => OpenSessionAsync(rig, video.Id);

    private static async Task PlayUntilAsync(IPage page, double seconds)
    {
        try
        {
            await page.WaitForFunctionAsync(
                "s => v.currentTime > s || v.ended || (v.readyState == 0 && errors.length > 0)",
                seconds,
                new PageWaitForFunctionOptions { Timeout = PatienceMs }
            );
        }
        catch (TimeoutException)
        {
            // The state below says more than the time-out.
        }

        if (!await page.EvaluateAsync<bool>("s => v.currentTime > s || v.ended", seconds))
        {
            var state = await page.EvaluateAsync<string>(
                "JSON.stringify({t: v.currentTime, ready: v.readyState, errors, media: v.error && v.error.message})"
            );
            Assert.Fail($"Playback did not reach {seconds} s: {state}");
        }
    }
}
