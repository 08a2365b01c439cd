using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using EventStream.Contracts;
using EventStream.Edge;
using EventStream.Hosting;
using EventStream.Processes;
using EventStream.Tests.Kit;
using EventStream.Tokens;
using Microsoft.AspNetCore.Http;

namespace EventStream.Integration.Tests.Edge;

public sealed class EdgeTests
{
    private static readonly VideoId Video = VideoId.New(DateTimeOffset.UnixEpoch);
    private static readonly Guid Session = Guid.Parse("0b8f7a36-3f1e-4a55-9d0a-1d8d2f3f4a5b");
    private static readonly EdgeTokens Tokens = new(EdgeRig.SigningKey);
    private static readonly DateTimeOffset FarAhead = new(2099, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static string Signed => Tokens.Prefix(Video, Session, FarAhead);

    [Fact]
    public async Task A_signed_path_is_served_and_the_second_time_from_the_cache()
    {
        await using var rig = await EdgeRig.StartAsync();
        var edge = await rig.EdgeAsync();
        var url = $"{edge.Url}{Signed}/media/{Video}/720p/1.m4s";

        using var first = await rig.Http.GetAsync($"{url}?CMCD=bl%3D1000");
        using var second = await rig.Http.GetAsync($"{url}?CMCD=bl%3D2000");

        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.Equal($"/media/{Video}/720p/1.m4s", await second.Content.ReadAsStringAsync());
        Assert.Equal(["MISS"], first.Headers.GetValues("X-Cache"));
        Assert.Equal(["HIT"], second.Headers.GetValues("X-Cache"));
        Assert.Equal(1, rig.OriginRequests);
        Assert.Equal(Signed, rig.LastHeaders["X-Signed-Prefix"]);
    }

    [Fact]
    public async Task One_token_opens_every_file_of_its_video_and_shares_the_cache_with_other_tokens()
    {
        await using var rig = await EdgeRig.StartAsync();
        var edge = await rig.EdgeAsync();
        var other = Tokens.Prefix(Video, Guid.NewGuid(), FarAhead.AddDays(1));

        await rig.Http.GetStringAsync($"{edge.Url}{Signed}/media/{Video}/audio/7.m4s");
        using var answer = await rig.Http.GetAsync($"{edge.Url}{other}/media/{Video}/audio/7.m4s");

        Assert.Equal(["HIT"], answer.Headers.GetValues("X-Cache"));
    }

    [Fact]
    public async Task What_is_unsigned_forged_expired_or_for_another_video_is_forbidden()
    {
        await using var rig = await EdgeRig.StartAsync();
        var edge = await rig.EdgeAsync();
        var another = VideoId.New(DateTimeOffset.UnixEpoch);
        var expired = Tokens.Prefix(Video, Session, new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var forged = new EdgeTokens("another key another key another key!").Prefix(Video, Session, FarAhead);
        var stolen = Signed.Replace($"{Session}", $"{Guid.NewGuid()}", StringComparison.Ordinal);
        var longer = Signed.Replace("/s/", "/s/9", StringComparison.Ordinal);
        string[] paths =
        [
            $"/media/{Video}/720p/1.m4s",
            $"{expired}/media/{Video}/720p/1.m4s",
            $"{forged}/media/{Video}/720p/1.m4s",
            $"{Signed}/media/{another}/720p/1.m4s",
            $"{longer}/media/{Video}/720p/1.m4s",
            $"/s/1/x/media/{Video}/1.m4s",
            $"{Signed}/media/{Video}/../{another}/720p/1.m4s",
            $"{Signed}/",
            $"{stolen}/media/{Video}/720p/1.m4s",
        ];

        foreach (var path in paths)
        {
            using var answer = await rig.Http.GetAsync(edge.Url + path);
            Assert.True(answer.StatusCode == HttpStatusCode.Forbidden, $"{path} gave {answer.StatusCode}");
        }

        Assert.Equal(0, rig.OriginRequests);
    }

    [Fact]
    public async Task Manifests_are_never_cached_and_carry_their_query_to_the_origin()
    {
        await using var rig = await EdgeRig.StartAsync();
        var edge = await rig.EdgeAsync();
        var url = $"{edge.Url}{Signed}/media/{Video}/master.m3u8?region=eu";

        await rig.Http.GetStringAsync(url);
        var answer = await rig.Http.GetStringAsync(url);

        Assert.Equal($"/media/{Video}/master.m3u8?region=eu", answer);
        Assert.Equal(2, rig.OriginRequests);
        Assert.Equal("edge-a", rig.LastHeaders["X-Edge-Name"]);
    }

    [Fact]
    public async Task A_player_of_another_origin_may_read_and_send_cmcd_headers()
    {
        await using var rig = await EdgeRig.StartAsync();
        var edge = await rig.EdgeAsync();
        using var preflight = new HttpRequestMessage(
            HttpMethod.Options,
            $"{edge.Url}{Signed}/media/{Video}/720p/1.m4s"
        );
        preflight.Headers.Add("Origin", "http://console.example");
        preflight.Headers.Add("Access-Control-Request-Headers", "cmcd-session");

        using var answer = await rig.Http.SendAsync(preflight);

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal(["*"], answer.Headers.GetValues("Access-Control-Allow-Origin"));
        Assert.Contains("CMCD-Session", string.Join(',', answer.Headers.GetValues("Access-Control-Allow-Headers")));
    }

    [Fact]
    public async Task The_origins_own_cors_headers_do_not_double_those_of_the_edge()
    {
        await using var rig = await EdgeRig.StartAsync(context =>
        {
            context.Response.Headers.AccessControlAllowOrigin = "*";
            return context.Response.WriteAsync("segment");
        });
        var edge = await rig.EdgeAsync();

        using var answer = await rig.Http.GetAsync($"{edge.Url}{Signed}/media/{Video}/720p/1.m4s");

        Assert.Equal(["*"], answer.Headers.GetValues("Access-Control-Allow-Origin"));
    }

    [Fact]
    public async Task A_range_is_cut_from_the_cached_whole()
    {
        await using var rig = await EdgeRig.StartAsync();
        var edge = await rig.EdgeAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{edge.Url}{Signed}/media/{Video}/720p/1.m4s");
        request.Headers.Range = new RangeHeaderValue(1, 5);

        using var answer = await rig.Http.SendAsync(request);

        Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
        Assert.Equal("media", await answer.Content.ReadAsStringAsync());
        Assert.False(rig.LastHeaders.ContainsKey("Range"));
    }

    [Fact]
    public async Task Many_viewers_of_a_cold_segment_cost_the_origin_one_request()
    {
        var release = new TaskCompletionSource();
        await using var rig = await EdgeRig.StartAsync(async context =>
        {
            await release.Task;
            await context.Response.WriteAsync("segment");
        });
        var edge = await rig.EdgeAsync();
        var url = $"{edge.Url}{Signed}/media/{Video}/720p/2.m4s";

        var viewers = Enumerable.Range(0, 20).Select(_ => rig.Http.GetStringAsync(url)).ToList();
        await Until(() => rig.OriginRequests > 0);
        release.SetResult();
        var answers = await Task.WhenAll(viewers);

        Assert.All(answers, answer => Assert.Equal("segment", answer));
        Assert.Equal(1, rig.OriginRequests);
    }

    [Fact]
    public async Task A_failing_origin_is_covered_by_what_is_cached()
    {
        var failing = false;
        await using var rig = await EdgeRig.StartAsync(async context =>
        {
            if (failing)
                context.Response.StatusCode = 503;
            context.Response.Headers.CacheControl = "max-age=1";
            await context.Response.WriteAsync("playlist");
        });
        var edge = await rig.EdgeAsync();
        var url = $"{edge.Url}{Signed}/media/{Video}/720p/media.m3u8";
        await rig.Http.GetStringAsync(url);
        failing = true;

        string[] seen = [];
        await Until(() =>
        {
            using var answer = rig.Http.GetAsync(url).GetAwaiter().GetResult();
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            seen = [.. answer.Headers.GetValues("X-Cache")];
            return seen is not ["HIT"];
        });

        Assert.Contains(seen[0], (string[])["STALE", "UPDATING", "EXPIRED"]);
    }

    [Fact]
    public async Task Each_request_is_one_line_of_json_without_the_token()
    {
        await using var rig = await EdgeRig.StartAsync();
        var edge = await rig.EdgeAsync();
        using var request = new HttpRequestMessage(
            HttpMethod.Get,
            $"{edge.Url}{Signed}/media/{Video}/720p/1.m4s?CMCD=sid%3D%22s%201%22"
        );
        request.Headers.Add("CMCD-Session", "sid=\"abc\",v=2");
        request.Headers.Add("User-Agent", "test/1");

        using var answer = await rig.Http.SendAsync(request);
        await rig.Http.GetStringAsync($"{edge.Url}/health");

        await Until(() => File.ReadAllText(edge.AccessLog).EndsWith('\n'));
        var line = Assert.Single(File.ReadAllLines(edge.AccessLog));
        Assert.DoesNotContain(Signed[^22..], line);
        var json = JsonDocument.Parse(line).RootElement;
        Assert.Equal(
            [
                "time",
                "edge",
                "region",
                "method",
                "uri",
                "args",
                "status",
                "bytes",
                "duration",
                "upstream",
                "cache",
                "ua",
                "req_id",
                "session",
                "cmcd_object",
                "cmcd_request",
                "cmcd_session",
                "cmcd_status",
            ],
            json.EnumerateObject().Select(field => field.Name)
        );
        Assert.Equal($"/media/{Video}/720p/1.m4s", json.GetProperty("uri").GetString());
        Assert.Equal($"{Session}", json.GetProperty("session").GetString());
        Assert.Equal("CMCD=sid%3D%22s%201%22", json.GetProperty("args").GetString());
        Assert.Equal("sid=\"abc\",v=2", json.GetProperty("cmcd_session").GetString());
        Assert.Equal("MISS", json.GetProperty("cache").GetString());
        Assert.Equal(200, json.GetProperty("status").GetInt32());
        Assert.True(json.GetProperty("bytes").GetInt64() > 0);
        Assert.Equal(answer.Headers.GetValues("X-Request-Id").Single(), json.GetProperty("req_id").GetString());
    }

    [Fact]
    public async Task A_port_in_use_is_named()
    {
        await using var rig = await EdgeRig.StartAsync();
        var options = rig.Options() with { Port = new Uri(rig.OriginUrl).Port };

        var error = await Assert.ThrowsAsync<EdgeStartException>(() => rig.EdgeAsync(options));

        Assert.Contains($"port {options.Port}", error.Message);
    }

    [Fact]
    public async Task An_edge_left_behind_in_the_same_folder_is_replaced()
    {
        await using var rig = await EdgeRig.StartAsync();
        var options = rig.Options();
        var leftover = await rig.EdgeAsync(options);

        var edge = await rig.EdgeAsync(options);

        await leftover.WaitForExitAsync(CancellationToken.None);
        Assert.False(edge.HasExited);
        Assert.Equal("edge-a ok\n", await rig.Http.GetStringAsync($"{edge.Url}/health"));
    }

    [Fact]
    public async Task A_stopped_edge_has_let_go_of_its_port()
    {
        await using var rig = await EdgeRig.StartAsync();
        var edge = await rig.EdgeAsync();
        var url = $"{edge.Url}/health";

        await edge.DisposeAsync();

        await Assert.ThrowsAsync<HttpRequestException>(() => rig.Http.GetAsync(url));
    }

    [Fact]
    public async Task A_log_that_has_grown_is_renamed_and_reopened()
    {
        await using var rig = await EdgeRig.StartAsync();
        var edge = await rig.EdgeAsync();
        var url = $"{edge.Url}{Signed}/media/{Video}/720p/1.m4s";
        await rig.Http.GetStringAsync(url);
        await Until(() => new FileInfo(edge.AccessLog).Length > 0);

        var rotated = EdgeLogRotation.RotateIfLarge(edge.AccessLog, 10, 2, edge.ReopenLog);
        Assert.True(rotated);
        await Until(() => File.Exists(edge.AccessLog));
        // nginx's worker writes to the old file until it has heard of the new one; no line is lost between the two.
        var requests = 1;
        await Wait.UntilAsync(
            "a line is in the new log",
            async () =>
            {
                await rig.Http.GetStringAsync(url);
                requests++;
                return File.ReadAllLines(edge.AccessLog).Length > 0;
            }
        );
        await Until(() =>
            File.ReadAllLines(edge.AccessLog).Length + File.ReadAllLines($"{edge.AccessLog}.1").Length == requests
        );
    }

    [Fact]
    public async Task Without_nginx_the_message_says_how_to_get_it()
    {
        await using var rig = await EdgeRig.StartAsync();
        var none = RoleHost.ReadConfiguration(null, [new("Tools:nginx", "/nowhere/nginx")]);

        var error = await Assert.ThrowsAsync<MissingToolException>(() =>
            EdgeProcess.StartAsync(rig.Options(), none, CancellationToken.None)
        );

        Assert.Contains("nginx", error.Message);
    }

    private static async Task Until(Func<bool> condition)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (!condition())
            await Task.Delay(20, timeout.Token);
    }
}
