using EventStream.Hosting;
using EventStream.Traffic;
using EventStream.Traffic.Steering;

namespace EventStream.Unit.Tests.Traffic;

public sealed class TrafficOptionsTests
{
    [Fact]
    public void Everything_wrong_is_named_at_once()
    {
        var error = Assert.Throws<RoleConfigurationException>(() =>
            RoleHost.Build(
                new TrafficRole(),
                RoleHost.ReadConfiguration(
                    null,
                    [
                        new("Traffic:Edges:0:Name", "Edge A"),
                        new("Traffic:Edges:0:Url", "nowhere"),
                        new("Traffic:Policy", "by-mood"),
                        new("Traffic:ProbeIntervalMs", "often"),
                        new("Traffic:DnsPort", "70000"),
                        new("Traffic:DnsName", "-.-"),
                        new("Traffic:DnsEnabled", "maybe"),
                        new("Traffic:ScoreMargin", "2"),
                    ]
                )
            )
        );

        Assert.All(
            (string[])["Name", "Url", "Policy", "health-first", "ProbeIntervalMs", "DnsPort", "DnsName", "ScoreMargin"],
            name => Assert.Contains(name, error.Message)
        );
    }

    [Fact]
    public void Players_reach_an_edge_at_its_public_address_and_probes_at_the_platforms_own()
    {
        var options = TrafficOptions.Read(
            RoleHost.ReadConfiguration(
                null,
                [
                    new("Traffic:Edges:0:Name", "edge-a"),
                    new("Traffic:Edges:0:Url", "http://edge-a:80/"),
                    new("Urls:Public:EDGE-A", "https://192.0.2.7/"),
                    new("Traffic:Edges:1:Name", "edge-b"),
                    new("Traffic:Edges:1:Url", "http://127.0.0.1:7081"),
                ]
            ),
            []
        );

        Assert.Equal(("http://edge-a:80", "https://192.0.2.7"), (options.Edges[0].Url, options.Edges[0].PublicUrl));
        Assert.Equal("192.0.2.7", Assert.Single(options.Edges[0].Addresses).ToString());
        Assert.Equal(options.Edges[1].Url, options.Edges[1].PublicUrl);
    }

    [Theory]
    [InlineData("edge-a", "edge-a")]
    [InlineData("\"edge-a,edge-b\"", "edge-a,edge-b")]
    [InlineData("", "")]
    [InlineData(null, "")]
    [InlineData("\"edge-a, ,\"", "edge-a")]
    public void Pathways_are_read_with_and_without_quotes(string? parameter, string expected) =>
        Assert.Equal(expected, string.Join(',', SteeringApi.Pathways(parameter)));
}
