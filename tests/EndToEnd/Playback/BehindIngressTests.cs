using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using EventStream.Playback.Sessions;
using EventStream.Tests.Kit;

namespace EventStream.EndToEnd.Tests.Playback;

/// <summary>
/// A viewer outside the cluster: behind a TLS nginx with the hosts of the shipped ingress and the addresses of the
/// shipped settings, every URL of a session is one that the viewer can reach, and the video plays.
/// </summary>
public sealed partial class BehindIngressTests(SampleVideo video) : IClassFixture<SampleVideo>, IAsyncLifetime
{
    private const string Playback = "https://playback.video.example";
    private PlaybackRig rig = null!;
    private ShippedIngress ingress = null!;
    private HttpClient viewer = null!;

    public async Task InitializeAsync()
    {
        var settings = Manifests
            .KubernetesSettings()
            .Where(setting => setting.Key.StartsWith("EVENTSTREAM__URLS__PUBLIC__", StringComparison.Ordinal))
            .Select(setting => (setting.Key["EVENTSTREAM__".Length..].Replace("__", ":"), setting.Value));
        rig = await PlaybackRig.StartAsync(video.MediaRoot, withTraffic: true, [.. settings]);
        rig.Tell(video.Events());
        ingress = await ShippedIngress.StartAsync(
            new Dictionary<string, string>
            {
                ["playback"] = rig.PlaybackUrl,
                ["traffic"] = rig.TrafficUrl,
                ["edge-a"] = rig.Edges[0].Url,
                ["edge-b"] = rig.Edges[1].Url,
            }
        );
        viewer = ingress.Client();
    }

    public async Task DisposeAsync()
    {
        viewer.Dispose();
        await ingress.DisposeAsync();
        await rig.DisposeAsync();
    }

    [Fact]
    public async Task Every_url_of_a_session_is_https_at_a_host_of_the_ingress()
    {
        var session = await OpenAsync();
        var hls = await viewer.GetStringAsync(session.HlsUrl);
        var dash = await viewer.GetStringAsync(session.DashUrl);
        var steering = await viewer.GetFromJsonAsync<JsonElement>(session.Steering.HlsUrl);

        var hosts = Manifests.IngressRules().Select(rule => rule.Host).ToHashSet();
        string[] urls =
        [
            session.HlsUrl,
            session.DashUrl,
            session.PosterUrl!,
            session.ThumbnailsUrl!,
            session.BeaconsUrl,
            session.Steering.HlsUrl,
            session.Steering.DashUrl,
            steering.GetProperty("RELOAD-URI").GetString()!,
            .. AbsoluteUrl()
                .Matches(hls)
                .Concat(AbsoluteUrl().Matches(dash))
                .Select(match => match.Value)
                .Where(url => !url.StartsWith("http://www.w3.org", StringComparison.Ordinal)),
        ];
        Assert.All(
            urls,
            url =>
                Assert.True(
                    new Uri(url) is { Scheme: "https", IsDefaultPort: true } uri && hosts.Contains(uri.Host),
                    url
                )
        );
        Assert.Contains(urls, url => url.StartsWith("https://edge-b.", StringComparison.Ordinal));
        Assert.Equal("a picture", await viewer.GetStringAsync(session.PosterUrl));
    }

    [Theory]
    [InlineData("playHls")]
    [InlineData("playDash")]
    public async Task It_plays(string play)
    {
        var session = await OpenAsync();
        var player = new PlayerPage { HostRules = $"MAP *.video.example:443 127.0.0.1:{ingress.Port}" };
        await player.InitializeAsync();
        try
        {
            var page = await player.OpenAsync();
            await page.EvaluateAsync($"u => {play}(u)", play == "playHls" ? session.HlsUrl : session.DashUrl);
            await page.WaitForFunctionAsync(
                "v.currentTime > 1 || (v.readyState == 0 && errors.length > 0)",
                null,
                new() { Timeout = 60_000 }
            );
            Assert.Empty(await page.EvaluateAsync<string[]>("errors"));
        }
        finally
        {
            await player.DisposeAsync();
        }
    }

    [Fact]
    public async Task What_is_for_roles_only_is_not_behind_it()
    {
        foreach (
            var url in (string[])
                [
                    $"{Playback}/media/{video.Id}/master.m3u8",
                    $"{Playback}/health/ready",
                    "https://traffic.video.example/v1/edges",
                    "https://traffic.video.example/health/ready",
                ]
        )
        {
            using var answer = await viewer.GetAsync(url);
            Assert.Equal((url, HttpStatusCode.NotFound), (url, answer.StatusCode));
            Assert.Contains("nginx", await answer.Content.ReadAsStringAsync());
        }
    }

    private async Task<SessionOpened> OpenAsync()
    {
        using var answer = await viewer.PostAsJsonAsync(
            $"{Playback}/v1/videos/{video.Id}/sessions",
            new { player = "hls.js", region = "eu" }
        );
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<SessionOpened>())!;
    }

    [GeneratedRegex("https?://[^\"<>\\s]+", RegexOptions.None, 1000)]
    private static partial Regex AbsoluteUrl();
}
