using System.Net;
using System.Net.Http.Json;
using EventStream.Contracts;
using EventStream.Playback.Sessions;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Playback;

/// <summary>A video in two chunks through a real edge: it is an EVENT until it is whole.</summary>
public sealed class GrowingVideoTests(SampleVideo video) : IClassFixture<SampleVideo>
{
    private static readonly DateTimeOffset At = DateTimeOffset.UnixEpoch;

    [Fact]
    public async Task A_video_plays_while_it_grows_and_ends_when_it_is_whole()
    {
        await using var rig = await PlaybackRig.StartAsync(video.MediaRoot);
        var whole = video.Events("180p").OfType<VideoRenditionEncoded>().Single().Rendition;
        var half = whole.SegmentDurationsSeconds.Count / 2;
        var first = whole with { SegmentDurationsSeconds = [.. whole.SegmentDurationsSeconds.Take(half)] };
        var second = whole with { SegmentDurationsSeconds = [.. whole.SegmentDurationsSeconds.Skip(half)] };
        rig.Tell(video.Events("audio").Append(new VideoChunkEncoded(video.Id, first, 1, 2, At)));

        using var opened = await rig.Http.PostAsync(
            $"{rig.PlaybackUrl}/v1/videos/{video.Id}/sessions",
            new StringContent("{}", System.Text.Encoding.UTF8, "application/json")
        );
        var session = (await opened.Content.ReadFromJsonAsync<SessionOpened>())!;
        var master = await rig.Http.GetStringAsync(session.HlsUrl);
        var picture = master.Split('\n').First(line => line.EndsWith("180p/media.m3u8", StringComparison.Ordinal));
        var sound = picture.Replace("180p", "audio", StringComparison.Ordinal);

        var (begin, beginOfSound) = (await rig.Http.GetStringAsync(picture), await rig.Http.GetStringAsync(sound));
        Assert.All(
            [begin, beginOfSound],
            text =>
            {
                Assert.Contains("#EXT-X-PLAYLIST-TYPE:EVENT", text);
                Assert.DoesNotContain("#EXT-X-ENDLIST", text);
                Assert.Equal(half, HlsPlaylist.Durations(text).Count());
            }
        );
        using var dash = await rig.Http.GetAsync(session.DashUrl);
        Assert.Equal(HttpStatusCode.Conflict, dash.StatusCode);

        rig.Tell([new VideoChunkEncoded(video.Id, second, 2, 2, At)]);
        var grown = await ReadAsync(rig, picture, text => HlsPlaylist.Durations(text).Count() > half);
        Assert.StartsWith(begin, grown);

        rig.Tell([new VideoRenditionEncoded(video.Id, whole, At)]);
        var last = await ReadAsync(rig, picture, text => text.Contains("#EXT-X-ENDLIST", StringComparison.Ordinal));
        Assert.Equal(HlsPlaylist.Durations(grown), HlsPlaylist.Durations(last));
        using var then = await rig.Http.GetAsync(session.DashUrl);
        Assert.Equal(HttpStatusCode.OK, then.StatusCode);
    }

    /// <summary>An edge may serve a playlist again for a moment.</summary>
    private static async Task<string> ReadAsync(PlaybackRig rig, string url, Func<string, bool> condition)
    {
        var text = "";
        await Wait.UntilAsync("the playlist changed", async () => condition(text = await rig.Http.GetStringAsync(url)));
        return text;
    }
}
