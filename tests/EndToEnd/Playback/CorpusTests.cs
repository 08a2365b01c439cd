using System.Runtime.CompilerServices;
using System.Text.Json;
using EventStream.Playback.Sessions;
using EventStream.Tests.Kit;
using Microsoft.Playwright;

namespace EventStream.EndToEnd.Tests.Playback;

/// <summary>
/// Files as people really have them become videos that parsers of others accept and that hls.js, dash.js and Shaka
/// Player play to the end, on a platform as it ships: a few of them in <c>make test</c>, all in <c>make soak</c>.
/// Encoding them takes every core, so nothing runs beside it.
/// </summary>
[Trait("Category", "Fault")]
[Collection(nameof(Alone))]
public sealed class CorpusTests(CorpusPlatform corpus, PlayerPage player)
    : IClassFixture<CorpusPlatform>,
        IClassFixture<PlayerPage>
{
    private const float PatienceMs = 60_000;
    private const double ToleranceSeconds = 0.1;
    private static readonly TimeSpan ParseTimeout = TimeSpan.FromSeconds(30);

    public static TheoryData<string> Files => [.. CorpusPlatform.Files.Keys];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Every_player_reaches_the_end(string file)
    {
        var details = await corpus.PublishedAsync(file);
        var seconds = details.GetProperty("source").GetProperty("durationSeconds").GetDouble();
        var session = await corpus.OpenSessionAsync(file);
        await AssertValidAsync(session, details, seconds);

        await Task.WhenAll(
            PlayToEndAsync("playHls", session.HlsUrl, seconds),
            PlayToEndAsync("playDash", session.DashUrl, seconds),
            PlayToEndAsync("playShaka", session.HlsUrl, seconds),
            PlayToEndAsync("playShaka", session.DashUrl, seconds)
        );
    }

    /// <summary>Playlists and MPD are read by parsers from npm, and both tell of the same video.</summary>
    private static async Task AssertValidAsync(SessionOpened session, JsonElement details, double seconds)
    {
        var (exitCode, output, errors) = await Command.RunAsync(
            ParseTimeout,
            "node",
            [Script(), session.HlsUrl, session.DashUrl],
            environment: new Dictionary<string, string>
            {
                ["NODE_MODULES"] = Path.Combine(Checkout.Root, "artifacts/tools/node_modules"),
            }
        );
        Assert.True(exitCode == 0, errors);
        using var read = JsonDocument.Parse(output);
        var (hls, dash) = (read.RootElement.GetProperty("hls"), read.RootElement.GetProperty("dash"));
        var pictures = hls.GetProperty("pictures").EnumerateArray().ToList();
        Assert.Equal(details.GetProperty("ladder").GetArrayLength(), pictures.Count);
        Assert.Equal(pictures.Count, dash.GetProperty("pictures").GetArrayLength());
        Assert.Equal(hls.GetProperty("sounds").GetArrayLength(), dash.GetProperty("sounds").GetArrayLength());
        Assert.Equal(hls.GetProperty("texts").GetArrayLength(), dash.GetProperty("texts").GetInt32());
        Assert.All(pictures.Concat(hls.GetProperty("keyFrames").EnumerateArray()), list => AssertWhole(list, seconds));
        Assert.All(hls.GetProperty("sounds").EnumerateArray(), sound => AssertWhole(sound, seconds));
        Assert.Equal(seconds, dash.GetProperty("seconds").GetDouble(), ToleranceSeconds);
        foreach (var kind in (string[])["pictures", "sounds"])
            Assert.All(
                dash.GetProperty(kind).EnumerateArray(),
                track => Assert.Equal(seconds, track.GetDouble(), ToleranceSeconds)
            );
    }

    private static void AssertWhole(JsonElement playlist, double seconds)
    {
        Assert.True(playlist.GetProperty("ended").GetBoolean());
        var durations = playlist.GetProperty("seconds").EnumerateArray().Select(part => part.GetDouble()).ToList();
        Assert.Equal(seconds, durations.Sum(), ToleranceSeconds);
        // RFC 8216, 4.3.3.1: rounded to the nearest whole second, none lasts longer than the target.
        Assert.True(Math.Round(durations.Max()) <= playlist.GetProperty("target").GetDouble());
    }

    private async Task PlayToEndAsync(string play, string url, double seconds)
    {
        var page = await player.OpenAsync();
        // Not awaited by the page: the promise of a player may settle long after the picture moves.
        await page.EvaluateAsync($"u => {{ {play}(u) }}", url);
        try
        {
            await page.WaitForFunctionAsync(
                "ended || errors.length > 0",
                null,
                new PageWaitForFunctionOptions { Timeout = PatienceMs }
            );
        }
        catch (TimeoutException)
        {
            // The state below says more than the time-out.
        }

        var state = await page.EvaluateAsync<JsonElement>(
            """
            ({ended, t: v.currentTime, duration: v.duration, ready: v.readyState, errors,
                buffered: v.buffered.length ? v.buffered.end(v.buffered.length - 1) : 0})
            """
        );
        Assert.True(
            state.GetProperty("ended").GetBoolean() && state.GetProperty("errors").GetArrayLength() == 0,
            $"{play} {new Uri(url).AbsolutePath}: {state}"
        );
        Assert.True(
            Math.Abs(state.GetProperty("t").GetDouble() - seconds) < ToleranceSeconds,
            $"{play} {new Uri(url).AbsolutePath}: {state}"
        );
        await page.CloseAsync();
    }

    private static string Script([CallerFilePath] string self = "") =>
        Path.Combine(Path.GetDirectoryName(self)!, "manifests.mjs");
}

/// <summary>Tests that run after all others, one at a time.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
