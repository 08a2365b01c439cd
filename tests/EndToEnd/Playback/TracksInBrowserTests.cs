using System.Net.Http.Json;
using EventStream.Contracts;
using EventStream.Playback.Sessions;
using EventStream.Tests.Kit;
using Microsoft.Playwright;

namespace EventStream.EndToEnd.Tests.Playback;

/// <summary>Languages and subtitles as players show them, in the real Chromium.</summary>
public sealed class TracksInBrowserTests(SampleVideo video, PlayerPage player)
    : IClassFixture<SampleVideo>,
        IClassFixture<PlayerPage>
{
    private const int PatienceMs = 40_000;

    // Two boundaries of two-second segments lie between the choice of a language and this time.
    private const double PastTheChoice = 6;

    [Theory]
    [InlineData(
        "playHls",
        "player.audioTracks.map(t => t.name + ' ' + t.lang)",
        "player.subtitleTracks.map(t => t.name + ' ' + t.lang)",
        "player.audioTrack = 1; player.subtitleTrack = 0;"
    )]
    [InlineData(
        "playDash",
        "player.getTracksFor('audio').map(t => t.labels[0].text + ' ' + t.lang)",
        "player.getTracksFor('text').map(t => t.labels[0].text + ' ' + t.lang)",
        "player.setCurrentTrack(player.getTracksFor('audio')[1]); player.setTextTrack(0);"
    )]
    public async Task Languages_and_subtitles_can_be_chosen_by_name(
        string play,
        string sounds,
        string texts,
        string choose
    )
    {
        await using var rig = await PlaybackRig.StartAsync(video.MediaRoot);
        rig.Tell([.. video.Events(), .. Tracks()]);
        using var answer = await rig.Http.PostAsJsonAsync($"{rig.PlaybackUrl}/v1/videos/{video.Id}/sessions", new { });
        var session = (await answer.Content.ReadFromJsonAsync<SessionOpened>())!;
        var page = await player.OpenAsync();

        await page.EvaluateAsync($"u => {play}(u)", play == "playHls" ? session.HlsUrl : session.DashUrl);
        await UntilAsync(page, "v.currentTime > 0.5");
        Assert.Equal(["English en", "Français fr"], await page.EvaluateAsync<string[]>(sounds));
        Assert.Equal(["Deutsch de"], await page.EvaluateAsync<string[]>(texts));
        await page.EvaluateAsync($"() => {{ {choose} }}");
        await UntilAsync(page, "[...v.textTracks].some(t => t.cues && [...t.cues].some(c => c.text == 'Guten Tag'))");
        await UntilAsync(page, $"v.currentTime > {PastTheChoice}");

        Assert.Empty(await page.EvaluateAsync<string[]>("errors"));
        Assert.Contains("/audio-2/2.m4s", await File.ReadAllTextAsync(rig.Edges[0].AccessLog));
        await page.CloseAsync();
    }

    /// <summary>A second language of the sound, and subtitles of one minute that are the whole.</summary>
    private List<IMessage> Tracks()
    {
        const string cues = "\n00:00:01.000 --> 00:00:03.000\nGuten Tag\n";
        const string media =
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:16\n#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:VOD\n"
            + "#EXTINF:16.000000,\n1.vtt\n#EXT-X-ENDLIST\n";
        var prefix = $"videos/{video.Id}/subtitles/text-1";
        var folder = Directory.CreateDirectory(Path.Combine(video.MediaRoot, prefix)).FullName;
        File.WriteAllText(Path.Combine(folder, "all.vtt"), $"WEBVTT\n{cues}");
        File.WriteAllText(
            Path.Combine(folder, "1.vtt"),
            $"WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n{cues}"
        );
        File.WriteAllText(Path.Combine(folder, "media.m3u8"), media);
        var main = video.Events("audio").OfType<VideoRenditionEncoded>().Single();
        var sound = main.Rendition with { Label = new TrackLabel("English", "en") };
        var other = sound with { Name = "audio-2", Label = new TrackLabel("Français", "fr") };
        var text = new Rendition(
            "text-1",
            Rendition.Text,
            prefix,
            "wvtt",
            0,
            0,
            0,
            100,
            100,
            [SampleVideo.Seconds],
            100,
            new TrackLabel("Deutsch", "de")
        );
        return
        [
            main with
            {
                Rendition = sound,
            },
            main with
            {
                Rendition = other,
            },
            new VideoSubtitlesMade(video.Id, [text], main.EncodedAt),
        ];
    }

    private static async Task UntilAsync(IPage page, string condition)
    {
        try
        {
            await page.WaitForFunctionAsync(
                $"() => {condition}",
                null,
                new PageWaitForFunctionOptions { Timeout = PatienceMs }
            );
        }
        catch (TimeoutException)
        {
            var state = await page.EvaluateAsync<string>(
                "JSON.stringify({t: v.currentTime, ready: v.readyState, errors, texts: v.textTracks.length})"
            );
            Assert.Fail($"Never: {condition}, but {state}");
        }
    }
}
