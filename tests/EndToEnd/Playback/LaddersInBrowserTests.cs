using System.Net.Http.Json;
using EventStream.Playback.Sessions;
using EventStream.Tests.Kit;
using Microsoft.Playwright;

namespace EventStream.EndToEnd.Tests.Playback;

/// <summary>
/// Players in the real Chromium take the best codec that it can play: AV1 where it is there, VP9 with Opus where that
/// is, and never HEVC, which Chromium on Linux cannot play.
/// </summary>
public sealed class LaddersInBrowserTests(FurtherVideo video, PlayerPage player)
    : IClassFixture<FurtherVideo>,
        IClassFixture<PlayerPage>
{
    private const int PatienceMs = 40_000;

    // Two boundaries of two-second segments lie before this time.
    private const double PastTwoBoundaries = 4.3;

    [Theory]
    [InlineData("playHls", "hevc av1 vp9", "180p-av1", "audio")]
    [InlineData("playDash", "hevc av1 vp9", "180p-av1", "audio-opus")]
    [InlineData("playHls", "hevc vp9", "180p-vp9", "audio-opus")]
    [InlineData("playDash", "hevc vp9", "180p-vp9", "audio-opus")]
    public async Task The_best_codec_that_can_be_played_is_played(
        string play,
        string ladders,
        string picture,
        string sound
    )
    {
        await using var rig = await PlaybackRig.StartAsync(video.Sample.MediaRoot);
        rig.Tell(video.Events(ladders.Split(' ')));
        using var answer = await rig.Http.PostAsJsonAsync(
            $"{rig.PlaybackUrl}/v1/videos/{video.Sample.Id}/sessions",
            new { }
        );
        var session = (await answer.Content.ReadFromJsonAsync<SessionOpened>())!;
        var page = await player.OpenAsync();
        await page.EvaluateAsync($"u => {play}(u)", play == "playHls" ? session.HlsUrl : session.DashUrl);
        await page.WaitForFunctionAsync(
            "s => v.currentTime > s || errors.length > 0",
            PastTwoBoundaries,
            new PageWaitForFunctionOptions { Timeout = PatienceMs }
        );

        Assert.Empty(await page.EvaluateAsync<string[]>("errors"));
        Assert.Equal(180, await page.EvaluateAsync<int>("v.videoHeight"));
        var log = await File.ReadAllTextAsync(rig.Edges[0].AccessLog);
        Assert.Contains($"/{picture}/3.m4s", log, StringComparison.Ordinal);
        Assert.Contains($"/{sound}/3.m4s", log, StringComparison.Ordinal);
        string[] others = ["180p", "180p-av1", "180p-hevc", "180p-vp9", "audio", "audio-opus"];
        Assert.All(
            others.Except([picture, sound]),
            name => Assert.DoesNotContain($"/{name}/2.m4s", log, StringComparison.Ordinal)
        );
        await page.CloseAsync();
    }
}
