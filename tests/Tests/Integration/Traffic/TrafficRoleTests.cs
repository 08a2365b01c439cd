using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using EventStream.Playback.Edge;
using EventStream.Tests.Integration.Edge;
using EventStream.Tests.Kit;
using EventStream.Traffic;
using EventStream.Traffic.Dns;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Tests.Integration.Traffic;

[Trait("Category", "Integration")]
public sealed class TrafficRoleTests(TestBroker broker) : IClassFixture<TestBroker>
{
    [Fact]
    public async Task Both_mouths_tell_the_order_and_players_of_other_origins_may_ask()
    {
        await using var rig = await EdgeRig.StartAsync();
        await using var app = await StartAsync(await rig.EdgeAsync(rig.Options("edge-a")),
            await rig.EdgeAsync(rig.Options("edge-b")));
        var url = app.Urls.Single();
        using var request = new HttpRequestMessage(
            HttpMethod.Get,
                $"{url}/v1/steering/dash?region=us&video=v1&_DASH_pathway=\"edge-a,edge-b\"&_DASH_throughput=,5");
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
        await UntilAsync(async () => Names(await MapAsync(rig, app), "order") is ["edge-b", "edge-a"]);
        await UntilAsync(() => Task.FromResult(Own().Count == 2));

        var map = await MapAsync(rig, app);
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
        await using var app = await StartAsync(await rig.EdgeAsync(rig.Options("edge-a")),
            await rig.EdgeAsync(rig.Options("edge-b")));
        var now = TimeProvider.System.GetUtcNow();
        var window = new QoeWindowClosed(
            now.AddSeconds(-10), now, new SessionSubject("v", "edge-a", "eu", "tv", "p"), 20, 0, null, null, 90,
                120_000,
            80_000, 500, 0, 0, 0, 400, 1, 1, 60);

        await app.Services.GetRequiredService<IEventPublisher>().PublishAsync(
            Topics.QoeWindows, "v|edge-a|eu|tv", window, now, CancellationToken.None);

        await UntilAsync(async () => Names(await MapAsync(rig, app), "order") is ["edge-b", "edge-a"]);
        Assert.True((await MapAsync(rig, app)).GetProperty("edges")[0].GetProperty("up").GetBoolean());
    }

    private async Task<WebApplication> StartAsync(params EdgeProcess[] edges)
    {
        var url = $"http://127.0.0.1:{EdgeRig.FreePort()}";
        var settings = new Dictionary<string, string?>
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
                if (record.Message is SteeringDecided decided) decisions.Enqueue(decided);
                return Task.CompletedTask;
            },
            app.Services.GetRequiredService<KafkaOptions>(), app.Services.GetRequiredService<EventProducer>(),
            app.Services.GetRequiredService<IRole>(), TimeProvider.System, NullLogger<EventConsumer>.Instance);
        await reader.StartAsync(CancellationToken.None);
        return reader;
    }

    private static async Task<byte[]> AskDnsAsync(WebApplication app)
    {
        using var client = new UdpClient();
        client.Connect(app.Services.GetRequiredService<DnsServer>().Endpoint);
        await client.SendAsync(
            "\u0012\u0034\u0001\0\0\u0001\0\0\0\0\0\0\u0004edge\u000beventstream\u0004test\0\0\u0001\0\u0001"u8.ToArray());
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        return (await client.ReceiveAsync(timeout.Token)).Buffer;
    }

    private static async Task<JsonElement> MapAsync(EdgeRig rig, WebApplication app) =>
        await rig.Http.GetFromJsonAsync<JsonElement>($"{app.Urls.Single()}/v1/edges");

    private static string[] Names(JsonElement json, string property) =>
        [.. json.GetProperty(property).EnumerateArray().Select(name => name.GetString()!)];

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!await condition()) await Task.Delay(50, timeout.Token);
    }
}
