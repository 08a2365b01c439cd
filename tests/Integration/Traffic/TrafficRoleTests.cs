using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using EventStream.Contracts;
using EventStream.Edge;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using EventStream.Traffic;
using EventStream.Traffic.Dns;
using EventStream.Traffic.Edges;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Integration.Tests.Traffic;

public sealed class TrafficRoleTests(TestBroker broker) : IClassFixture<TestBroker>
{
    [Fact]
    public async Task Steering_and_DNS_give_the_order_and_players_of_other_origins_may_ask()
    {
        await using var rig = await EdgeRig.StartAsync();
        await using var app = await StartAsync(
            await rig.EdgeAsync(rig.Options("edge-a")),
            await rig.EdgeAsync(rig.Options("edge-b"))
        );
        var url = app.Urls.Single();
        using var request = new HttpRequestMessage(
            HttpMethod.Get,
            $"{url}/v1/steering/dash?region=us&video=v1&_DASH_pathway=\"edge-a,edge-b\"&_DASH_throughput=,5"
        );
        request.Headers.Add("Origin", "http://console.example");

        using var answer = await rig.Http.SendAsync(request);
        var dash = await answer.Content.ReadFromJsonAsync<JsonElement>();
        var hls = await rig.Http.GetFromJsonAsync<JsonElement>($"{url}/v1/steering/hls?_HLS_pathway=edge-a");

        Assert.Equal(["*"], answer.Headers.GetValues("Access-Control-Allow-Origin"));
        Assert.Equal(1, hls.GetProperty("VERSION").GetInt32());
        Assert.Equal(3, hls.GetProperty("TTL").GetInt32());
        Assert.Equal($"{url}/v1/steering/hls", hls.GetProperty("RELOAD-URI").GetString());
        Assert.False(hls.TryGetProperty("SERVICE-LOCATION-PRIORITY", out _));
        Assert.Equal(["edge-a", "edge-b"], Names(hls, "PATHWAY-PRIORITY"));
        Assert.Equal($"{url}/v1/steering/dash?region=us&video=v1", dash.GetProperty("RELOAD-URI").GetString());
        Assert.Equal(["edge-b", "edge-a"], Names(dash, "SERVICE-LOCATION-PRIORITY"));
        var dns = await AskDnsAsync(app);
        Assert.Equal(0x84, dns[2] & 0xFE);
        Assert.Equal([127, 0, 0, 1], dns[^4..]);
    }

    [Fact]
    public async Task An_edge_that_stops_moves_to_the_end_and_the_decision_is_an_event()
    {
        await using var rig = await EdgeRig.StartAsync();
        var edge = await rig.EdgeAsync(rig.Options("edge-a"));
        var start = TimeProvider.System.GetUtcNow();
        await using var app = await StartAsync(edge, await rig.EdgeAsync(rig.Options("edge-b")));
        var decisions = new ConcurrentQueue<SteeringDecided>();
        using var reader = await ReadAsync(app, decisions);

        // The broker, and so the topic, is shared with the other tests of this class.
        List<SteeringDecided> Own() => [.. decisions.Where(d => d.Policy == "region-affinity" && d.DecidedAt >= start)];
        await UntilAsync(() => Task.FromResult(Own().Count == 1));

        await edge.DisposeAsync();
        await UntilAsync(async () => Names(await MapAsync(app), "order") is ["edge-b", "edge-a"]);
        await UntilAsync(() => Task.FromResult(Own().Count == 2));

        var map = await MapAsync(app);
        Assert.False(map.GetProperty("edges")[0].GetProperty("up").GetBoolean());
        var last = Own()[^1];
        Assert.Contains("edge-a", last.Reason);
        Assert.Equal(0, last.Health["edge-a"]);
        await reader.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task Viewers_that_stall_at_an_edge_move_it_back()
    {
        await using var rig = await EdgeRig.StartAsync();
        // Names of its own: the topic is shared, and windows of the past count when a role starts.
        await using var app = await StartAsync(
            await rig.EdgeAsync(rig.Options("stalls-a")),
            await rig.EdgeAsync(rig.Options("stalls-b"))
        );
        var now = TimeProvider.System.GetUtcNow();
        var window = Stalled("stalls-a", now);

        await app
            .Services.GetRequiredService<IEventPublisher>()
            .PublishAsync(Topics.QoeWindows, "v|stalls-a|eu|tv", window, now, CancellationToken.None);

        await UntilAsync(async () => Names(await MapAsync(app), "order") is ["stalls-b", "stalls-a"]);
        Assert.True((await MapAsync(app)).GetProperty("edges")[0].GetProperty("up").GetBoolean());
    }

    [Fact]
    public async Task A_window_from_a_clock_that_is_ahead_does_not_count()
    {
        await using var rig = await EdgeRig.StartAsync();
        await using var app = await StartAsync(
            await rig.EdgeAsync(rig.Options("ahead-a")),
            await rig.EdgeAsync(rig.Options("ahead-b"))
        );
        var now = TimeProvider.System.GetUtcNow();
        var map = app.Services.GetRequiredService<EdgeMap>();

        map.Record(Stalled("ahead-a", now.AddMinutes(30)));
        Assert.Equal(1, map.Views()[0].Health);
        map.Record(Stalled("ahead-a", now));
        Assert.True(map.Views()[0].Health < 0.5);
    }

    [Fact]
    public async Task Without_an_edge_that_answers_the_role_is_not_ready_and_says_why()
    {
        await using var rig = await EdgeRig.StartAsync();
        var edge = await rig.EdgeAsync(rig.Options("only-a"));
        await using var app = await StartAsync(edge);
        await UntilAsync(async () => await ReadyAsync(rig, app) is (HttpStatusCode.OK, _));

        await edge.DisposeAsync();

        await UntilAsync(async () =>
            await ReadyAsync(rig, app) is (HttpStatusCode.ServiceUnavailable, var why)
            && why.Contains("no edge answers: only-a", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task Strangers_may_ask_for_steering_and_not_for_the_map()
    {
        await using var rig = await EdgeRig.StartAsync();
        await using var app = await StartAsync(await rig.EdgeAsync(rig.Options("edge-a")));

        using var map = await rig.Http.GetAsync($"{app.Urls.Single()}/v1/edges");
        using var edge = TestKeys.Client(TestKeys.EdgeA);
        using var wrong = await edge.GetAsync($"{app.Urls.Single()}/v1/edges");
        using var steering = await rig.Http.GetAsync($"{app.Urls.Single()}/v1/steering/hls");

        Assert.Equal(HttpStatusCode.Unauthorized, map.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, wrong.StatusCode);
        Assert.Equal(HttpStatusCode.OK, steering.StatusCode);
    }

    [Fact]
    public async Task The_reload_address_is_that_of_the_trusted_proxy_and_edges_have_their_public_urls()
    {
        await using var rig = await EdgeRig.StartAsync();
        await using var app = await StartAsync(
            [("Urls:Public:edge-a", "https://edge-a.video.example/")],
            await rig.EdgeAsync(rig.Options("edge-a"))
        );
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{app.Urls.Single()}/v1/steering/hls?region=eu");
        request.Headers.Add("X-Forwarded-Proto", "https");
        request.Headers.Add("X-Forwarded-Host", "traffic.video.example");

        using var answer = await rig.Http.SendAsync(request);
        var steering = await answer.Content.ReadFromJsonAsync<JsonElement>();

        Assert.Equal(
            "https://traffic.video.example/v1/steering/hls?region=eu",
            steering.GetProperty("RELOAD-URI").GetString()
        );
        var edge = (await MapAsync(app)).GetProperty("edges")[0];
        Assert.Equal("https://edge-a.video.example", edge.GetProperty("url").GetString());
        // Probes go to the address of the platform's own network, which answers.
        await UntilAsync(async () =>
            (await MapAsync(app)).GetProperty("edges")[0].GetProperty("probeMs").ValueKind == JsonValueKind.Number
        );
        Assert.True((await MapAsync(app)).GetProperty("edges")[0].GetProperty("up").GetBoolean());
    }

    private static QoeWindowClosed Stalled(string edge, DateTimeOffset end) =>
        new(
            end.AddSeconds(-10),
            end,
            new SessionSubject("v", edge, "eu", "tv", "p"),
            20,
            0,
            null,
            null,
            90,
            120_000,
            80_000,
            500,
            0,
            0,
            0,
            400,
            1,
            1,
            60
        );

    private static async Task<(HttpStatusCode Status, string Text)> ReadyAsync(EdgeRig rig, WebApplication app)
    {
        using var answer = await rig.Http.GetAsync($"{app.Urls.Single()}/health/ready");
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    private Task<WebApplication> StartAsync(params EdgeProcess[] edges) => StartAsync([], edges);

    private async Task<WebApplication> StartAsync((string Key, string Value)[] more, params EdgeProcess[] edges)
    {
        var url = $"http://127.0.0.1:{FreePort.Next()}";
        var settings = new Dictionary<string, string?>(TestKeys.Pairs)
        {
            ["Kafka:Bootstrap"] = broker.Bootstrap,
            ["Listen:traffic"] = url,
            ["Traffic:DnsPort"] = "0",
            ["Traffic:SteeringTtlSeconds"] = "3",
            ["Traffic:ProbeIntervalMs"] = "100",
            ["Traffic:ProbeTimeoutMs"] = "2000",
            ["Traffic:HoldSeconds"] = "1",
        };
        foreach (var (edge, i) in edges.Select((edge, i) => (edge, i)))
        {
            settings[$"Traffic:Edges:{i}:Name"] = edge.Options.Name;
            settings[$"Traffic:Edges:{i}:Region"] = i == 0 ? "eu" : "us";
            settings[$"Traffic:Edges:{i}:Url"] = edge.Url;
        }

        foreach (var (key, value) in more)
            settings[key] = value;
        var app = RoleHost.Build(new TrafficRole(), RoleHost.ReadConfiguration(null, settings));
        await app.StartAsync();
        return app;
    }

    private static async Task<EventConsumer> ReadAsync(WebApplication app, ConcurrentQueue<SteeringDecided> decisions)
    {
        var reader = new EventConsumer(
            new ConsumerOptions($"test-{Guid.NewGuid():N}", [Topics.TrafficDecisions]) { FromBeginning = true },
            (record, _) =>
            {
                if (record.Message is SteeringDecided decided)
                    decisions.Enqueue(decided);
                return Task.CompletedTask;
            },
            app.Services.GetRequiredService<KafkaOptions>(),
            app.Services.GetRequiredService<EventProducer>(),
            app.Services.GetRequiredService<IRole>(),
            TimeProvider.System,
            NullLogger<EventConsumer>.Instance
        );
        await reader.StartAsync(CancellationToken.None);
        return reader;
    }

    private static async Task<byte[]> AskDnsAsync(WebApplication app)
    {
        using var client = new UdpClient();
        client.Connect(app.Services.GetRequiredService<DnsServer>().Endpoint);
        await client.SendAsync(
            "\u0012\u0034\u0001\0\0\u0001\0\0\0\0\0\0\u0004edge\u000beventstream\u0004test\0\0\u0001\0\u0001"u8.ToArray()
        );
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        return (await client.ReceiveAsync(timeout.Token)).Buffer;
    }

    private static async Task<JsonElement> MapAsync(WebApplication app)
    {
        using var analyst = TestKeys.Client(TestKeys.Analyst);
        return await analyst.GetFromJsonAsync<JsonElement>($"{app.Urls.Single()}/v1/edges");
    }

    private static string[] Names(JsonElement json, string property) =>
        [.. json.GetProperty(property).EnumerateArray().Select(name => name.GetString()!)];

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!await condition())
            await Task.Delay(50, timeout.Token);
    }
}
