using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using EventStream.Collect;
using EventStream.Contracts;
using EventStream.Edge;
using EventStream.Hosting;
using EventStream.Integration.Tests.Qoe;
using EventStream.Qoe;
using EventStream.Tests.Kit;
using EventStream.Tokens;
using EventStream.Traffic;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace EventStream.Integration.Tests.Traffic;

/// <summary>
/// From nginx to the order of edges, with every role between them: what anybody can send to an edge does not move
/// viewers, and what fails for viewers with a signed URL does.
/// </summary>
public sealed class StrangersTests : IAsyncLifetime
{
    private static readonly VideoId Video = VideoId.New(DateTimeOffset.UnixEpoch);
    private static readonly EdgeTokens Tokens = new(EdgeRig.SigningKey);
    private readonly List<WebApplication> roles = [];
    private readonly HttpClient analyst = TestKeys.Client(TestKeys.Analyst);
    private readonly string traffic = $"http://127.0.0.1:{FreePort.Next()}";
    private TestBroker broker = null!;
    private EdgeRig rig = null!;
    private EdgeProcess[] edges = [];
    private bool edgeAFails;
    private int segment;

    public async Task InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        rig = await EdgeRig.StartAsync(context =>
        {
            if (edgeAFails && context.Request.Headers["X-Edge-Name"] == "edge-a")
                context.Response.StatusCode = 503;
            return context.Response.WriteAsync("a segment");
        });
        edges = [await rig.EdgeAsync(rig.Options("edge-a")), await rig.EdgeAsync(rig.Options("edge-b"))];
        foreach (var role in (IRole[])[new CollectRole(), new QoeRole(), new TrafficRole()])
        {
            var app = RoleHost.Build(role, RoleHost.ReadConfiguration(null, Settings()));
            roles.Add(app);
            await app.StartAsync();
        }
    }

    public async Task DisposeAsync()
    {
        foreach (var role in Enumerable.Reverse(roles))
            await role.DisposeAsync();
        analyst.Dispose();
        await rig.DisposeAsync();
        await broker.DisposeAsync();
    }

    [Fact]
    public async Task Unsigned_requests_in_any_number_do_not_move_viewers_and_failures_of_signed_ones_do()
    {
        await Wait.UntilAsync(
            "both edges answer",
            async () =>
                (await MapAsync())
                    .GetProperty("edges")
                    .EnumerateArray()
                    .All(edge => edge.GetProperty("probeMs").ValueKind == JsonValueKind.Number)
        );

        await Parallel.ForAsync(
            0,
            400,
            async (i, cancellation) =>
            {
                using var refused = await rig.Http.GetAsync(
                    $"{edges[0].Url}/media/{Video}/720p/{i}.m4s?CMCD=sid%3D%22{Guid.NewGuid()}%22",
                    cancellation
                );
                Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
                Assert.Equal(505, await EdgeRig.SendRawAsync(edges[0], $"GET /media/{Video}/720p/{i}.m4s HTTP/9.9"));
            }
        );
        await ViewUntilAsync(
            "viewers of both edges are seen after the strangers",
            map =>
                map.GetProperty("edges").EnumerateArray().All(edge => edge.GetProperty("loadPerSecond").GetDouble() > 0)
        );

        var edgeA = (await MapAsync()).GetProperty("edges")[0];
        Assert.Equal(1, edgeA.GetProperty("health").GetDouble());
        Assert.Equal(0, edgeA.GetProperty("errorRatio").GetDouble());
        Assert.InRange(edgeA.GetProperty("loadPerSecond").GetDouble(), 0, 50);
        Assert.Equal(["edge-a", "edge-b"], Order(await MapAsync()));

        edgeAFails = true;
        await ViewUntilAsync("failures of signed requests move viewers", map => Order(map) is ["edge-b", "edge-a"]);
    }

    /// <summary>Has viewers ask both edges for segments until the map shows what is waited for.</summary>
    private Task ViewUntilAsync(string what, Func<JsonElement, bool> holds) =>
        Wait.UntilAsync(
            what,
            async () =>
            {
                var expires = TimeProvider.System.GetUtcNow().AddHours(1);
                foreach (var edge in edges)
                {
                    using var answer = await rig.Http.GetAsync(
                        $"{edge.Url}{Tokens.Prefix(Video, Guid.NewGuid(), expires)}/media/{Video}/720p/{segment++}.m4s"
                    );
                }

                return holds(await MapAsync());
            },
            TimeSpan.FromSeconds(120)
        );

    private Task<JsonElement> MapAsync() => analyst.GetFromJsonAsync<JsonElement>($"{traffic}/v1/edges");

    private static string[] Order(JsonElement map) =>
        [.. map.GetProperty("order").EnumerateArray().Select(name => name.GetString()!)];

    private Dictionary<string, string?> Settings()
    {
        var settings = new Dictionary<string, string?>(FastQoe.Settings("strangers").Concat(TestKeys.Pairs))
        {
            ["Kafka:Bootstrap"] = broker.Bootstrap,
            ["Listen:collect"] = "http://127.0.0.1:0",
            ["Listen:qoe"] = "http://127.0.0.1:0",
            ["Listen:traffic"] = traffic,
            ["Playback:SigningKey"] = EdgeRig.SigningKey,
            ["Collect:CheckpointFolder"] = Path.Combine(rig.Folder, "collect"),
            ["Traffic:DnsPort"] = "0",
            ["Traffic:ProbeTimeoutMs"] = "5000",
            ["Traffic:HoldSeconds"] = "1",
        };
        foreach (var (edge, i) in edges.Select((edge, i) => (edge, i)))
        {
            settings[$"Traffic:Edges:{i}:Name"] = edge.Options.Name;
            settings[$"Traffic:Edges:{i}:Region"] = i == 0 ? "eu" : "us";
            settings[$"Traffic:Edges:{i}:Url"] = edge.Url;
            settings[$"Collect:AccessLogs:{i}:Path"] = edge.AccessLog;
            settings[$"Collect:AccessLogs:{i}:Edge"] = edge.Options.Name;
        }

        return settings;
    }
}
