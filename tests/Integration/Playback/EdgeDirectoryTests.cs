using EventStream.Playback;
using EventStream.Playback.Edges;
using EventStream.Tests.Kit;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Integration.Tests.Playback;

public sealed class EdgeDirectoryTests
{
    private const string Map = """
        {"order":["edge-b","edge-a"],"edges":[{"name":"edge-a","region":"eu","url":"http://a"},
        {"name":"edge-b","region":"us","url":"http://b"}]}
        """;

    [Fact]
    public async Task A_credential_that_traffic_refuses_is_named_and_the_configured_order_used()
    {
        await using var traffic = await EdgeRig.StartAsync(context =>
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return Task.CompletedTask;
        });
        using var directory = Directory(traffic);

        var order = await directory.OrderAsync("us", CancellationToken.None);

        Assert.Equal(["edge-a", "edge-b"], order.Select(edge => edge.Name));
        Assert.Contains("Access:ServiceKey", directory.Trouble);
    }

    [Fact]
    public async Task Only_regions_of_edges_are_asked_for_apart()
    {
        await using var traffic = await EdgeRig.StartAsync(context => context.Response.WriteAsync(Map));
        using var directory = Directory(traffic);

        foreach (var region in Enumerable.Range(0, 50).Select(i => $"invented-{i}").Append("us"))
            Assert.Equal("edge-b", (await directory.OrderAsync(region, CancellationToken.None))[0].Name);

        // The unknown region and the known one, each again when its answer has aged.
        Assert.InRange(traffic.OriginRequests, 2, 10);
        Assert.Null(directory.Trouble);
    }

    private static EdgeDirectory Directory(EdgeRig traffic) =>
        new(
            new PlaybackOptions
            {
                SigningKey = "",
                Edges = [new("edge-a", "eu", "http://a"), new("edge-b", "us", "http://b")],
                TrafficUrl = traffic.OriginUrl,
                SteeringUrl = "",
                CollectUrl = "",
            },
            traffic.Http,
            TimeProvider.System,
            NullLogger<EdgeDirectory>.Instance
        );
}
