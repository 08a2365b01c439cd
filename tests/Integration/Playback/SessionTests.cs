using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using EventStream.Contracts;
using EventStream.Playback.Sessions;
using EventStream.Tests.Kit;
using EventStream.Tokens;

namespace EventStream.Integration.Tests.Playback;

public sealed class SessionTests(SampleVideo video) : IClassFixture<SampleVideo>
{
    [Fact]
    public async Task A_session_has_signed_urls_of_the_regions_edge_and_where_to_report()
    {
        await using var rig = await PlaybackRig.StartAsync(video.MediaRoot);
        rig.Tell(video.Events());

        var session = await OpenAtAsync(rig, "edge-b", """{"player":"hls.js","region":"us","device":"tv"}""");

        Assert.StartsWith(rig.Edges[1].Url, session.HlsUrl);
        Assert.Equal(["edge-b", "edge-a"], session.Steering.Pathways);
        var claims = new BeaconClaims(
            $"{session.SessionId}",
            $"{video.Id}",
            session.ExpiresAt,
            Region: "us",
            Player: "hls.js"
        );
        var proof = new BeaconProof(EdgeRig.SigningKey).Make(claims);
        Assert.Equal(
            $"http://collect.example/v1/cmcd?video={video.Id}&region=us&player=hls.js&session={session.SessionId}"
                + $"&expires={session.ExpiresAt.ToUnixTimeSeconds()}&proof={proof}",
            session.BeaconsUrl
        );
        Assert.Equal("a picture", await rig.Http.GetStringAsync(session.PosterUrl));
    }

    [Fact]
    public async Task A_session_needs_no_body_and_draws_its_id()
    {
        await using var rig = await PlaybackRig.StartAsync(video.MediaRoot);
        rig.Tell(video.Events());

        using var first = await PostAsync(rig, video.Id, null);
        using var second = await PostAsync(rig, video.Id, null);

        Assert.Equal(HttpStatusCode.Created, first.StatusCode);
        Assert.NotEqual(
            (await first.Content.ReadFromJsonAsync<SessionOpened>())!.SessionId,
            (await second.Content.ReadFromJsonAsync<SessionOpened>())!.SessionId
        );
    }

    [Fact]
    public async Task While_traffic_is_away_the_configured_order_is_used()
    {
        await using var rig = await PlaybackRig.StartAsync(video.MediaRoot, withTraffic: false);
        rig.Tell(video.Events());

        using var answer = await PostAsync(rig, video.Id, """{"region":"us"}""");
        var session = (await answer.Content.ReadFromJsonAsync<SessionOpened>())!;

        Assert.Equal(["edge-a", "edge-b"], session.Steering.Pathways);
        Assert.Contains("#EXTM3U", await rig.Http.GetStringAsync(session.HlsUrl));
    }

    [Fact]
    public async Task What_cannot_be_played_yet_is_a_conflict_that_names_the_state()
    {
        await using var rig = await PlaybackRig.StartAsync(video.MediaRoot);
        rig.Tell(video.Events().Where(message => message is not VideoPlayable));

        using var answer = await PostAsync(rig, video.Id, null);
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>();

        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
        Assert.Equal("encoding", problem.GetProperty("state").GetString());
        Assert.Equal("Not playable", problem.GetProperty("title").GetString());
    }

    [Theory]
    [InlineData("{", "JSON")]
    [InlineData("""{"region":"e u"}""", "region")]
    [InlineData("""{"sessionId":"0b8f7a36-3f1e-4a55-9d0a-1d8d2f3f4a5b"}""", "sessionId")]
    [InlineData("5000 letters", "4096")]
    public async Task A_bad_request_is_named(string body, string named)
    {
        await using var rig = await PlaybackRig.StartAsync(video.MediaRoot);
        rig.Tell(video.Events());
        var text = body.StartsWith('5') ? $"\"{new string('x', 5000)}\"" : body;

        using var answer = await PostAsync(rig, video.Id, text);
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>();

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains(named, problem.GetProperty("detail").GetString());
    }

    [Fact]
    public async Task The_origin_gives_nothing_to_who_comes_past_the_edge()
    {
        await using var rig = await PlaybackRig.StartAsync(video.MediaRoot);
        rig.Tell(video.Events());

        foreach (var file in (string[])["master.m3u8", "manifest.mpd", "180p/1.m4s", "thumbnails/poster.jpg"])
        {
            using var answer = await rig.Http.GetAsync($"{rig.PlaybackUrl}/media/{video.Id}/{file}");
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        }
    }

    [Fact]
    public async Task Files_have_their_types_and_only_those_of_the_video_are_served()
    {
        await using var rig = await PlaybackRig.StartAsync(video.MediaRoot);
        rig.Tell(video.Events());
        using var opened = await PostAsync(rig, video.Id, null);
        var session = (await opened.Content.ReadFromJsonAsync<SessionOpened>())!;
        var folder = session.DashUrl[..session.DashUrl.LastIndexOf('/')];

        (string File, HttpStatusCode Status, string Type, string Cache)[] expected =
        [
            ("manifest.mpd", HttpStatusCode.OK, "application/dash+xml", "no-cache, private"),
            ("180p/media.m3u8", HttpStatusCode.OK, "application/vnd.apple.mpegurl", "public, max-age=10"),
            ("180p/1.m4s", HttpStatusCode.OK, "video/iso.segment", "public, max-age=31536000, immutable"),
            ("180p/init.mp4", HttpStatusCode.OK, "video/mp4", "public, max-age=31536000, immutable"),
            ("180p/99.m4s", HttpStatusCode.NotFound, "application/problem+json", ""),
            ("work/audio.mp4", HttpStatusCode.NotFound, "application/problem+json", ""),
        ];
        foreach (var file in expected)
        {
            using var answer = await rig.Http.GetAsync($"{folder}/{file.File}");
            Assert.Equal(file.Status, answer.StatusCode);
            Assert.Equal(file.Type, answer.Content.Headers.ContentType?.MediaType);
            if (file.Cache.Length > 0)
                Assert.Equal(file.Cache, answer.Headers.CacheControl?.ToString());
        }
    }

    [Fact]
    public async Task While_the_catalogue_is_being_read_an_unknown_video_is_to_be_asked_for_again()
    {
        await using var rig = await PlaybackRig.StartAsync(video.MediaRoot);

        using var answer = await PostAsync(rig, VideoId.New(DateTimeOffset.UnixEpoch), null);

        // Without Kafka the catalogue is never complete, and what it does not hold may still come.
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
    }

    [Fact]
    public async Task The_urls_of_a_session_are_bound_to_it()
    {
        await using var rig = await PlaybackRig.StartAsync(video.MediaRoot);
        rig.Tell(video.Events());
        using var opened = await PostAsync(rig, video.Id, null);
        var session = (await opened.Content.ReadFromJsonAsync<SessionOpened>())!;
        var another = session.HlsUrl.Replace($"{session.SessionId}", $"{Guid.NewGuid()}", StringComparison.Ordinal);

        using var own = await rig.Http.GetAsync(session.HlsUrl);
        using var foreign = await rig.Http.GetAsync(another);

        Assert.Contains($"/{session.SessionId}/", session.HlsUrl);
        Assert.Equal(HttpStatusCode.OK, own.StatusCode);
        Assert.Contains($"/{session.SessionId}/", await own.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.Forbidden, foreign.StatusCode);
    }

    [Fact]
    public async Task An_address_may_open_a_bounded_number_of_sessions_and_hears_when_it_may_again()
    {
        await using var rig = await PlaybackRig.StartAsync(
            video.MediaRoot,
            false,
            ("Playback:SessionsBurst", "2"),
            ("Playback:SessionsPerMinute", "1")
        );
        rig.Tell(video.Events());

        using var first = await FromAsync(rig, "203.0.113.7");
        using var second = await FromAsync(rig, "203.0.113.7");
        using var third = await FromAsync(rig, "203.0.113.7");
        using var other = await FromAsync(rig, "203.0.113.8");

        Assert.Equal(HttpStatusCode.Created, second.StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, third.StatusCode);
        Assert.InRange(third.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        Assert.Equal("application/problem+json", third.Content.Headers.ContentType?.MediaType);
        Assert.Equal(HttpStatusCode.Created, other.StatusCode);
    }

    [Fact]
    public async Task Regions_that_strangers_invent_do_not_take_a_region_its_order()
    {
        await using var rig = await PlaybackRig.StartAsync(video.MediaRoot, true, ("Playback:SessionsBurst", "1000"));
        rig.Tell(video.Events());
        for (var i = 0; i < 100; i++)
        {
            using var stranger = await PostAsync(rig, video.Id, $$"""{"region":"invented-{{i}}"}""");
            Assert.Equal(HttpStatusCode.Created, stranger.StatusCode);
        }

        var session = await OpenAtAsync(rig, "edge-b", """{"region":"us"}""");

        Assert.Equal(["edge-b", "edge-a"], session.Steering.Pathways);
    }

    private async Task<HttpResponseMessage> FromAsync(PlaybackRig rig, string address)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{rig.PlaybackUrl}/v1/videos/{video.Id}/sessions");
        request.Headers.Add("X-Forwarded-For", address);
        return await rig.Http.SendAsync(request);
    }

    /// <summary>Opens sessions until one starts at the edge: a busy Traffic may be too slow for the first.</summary>
    private async Task<SessionOpened> OpenAtAsync(PlaybackRig rig, string edge, string body)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (true)
        {
            using var answer = await PostAsync(rig, video.Id, body);
            Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
            var session = (await answer.Content.ReadFromJsonAsync<SessionOpened>())!;
            if (session.Steering.Pathways[0] == edge)
                return session;
            await Task.Delay(100, timeout.Token);
        }
    }

    private static Task<HttpResponseMessage> PostAsync(PlaybackRig rig, VideoId id, string? body) =>
        rig.Http.PostAsync(
            $"{rig.PlaybackUrl}/v1/videos/{id}/sessions",
            body is null ? null : new StringContent(body, Encoding.UTF8, "application/json")
        );
}
