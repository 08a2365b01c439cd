using EventStream.Hosting;
using EventStream.Traffic;
using EventStream.Traffic.Steering;

namespace EventStream.Tests.Traffic;

public sealed class TrafficOptionsTests
{
    [Fact]
    public void Everything_wrong_is_named_at_once()
    {
        var error = Assert.Throws<RoleConfigurationException>(() => TrafficOptions.From(RoleHost.ReadConfiguration(null,
        [
            new("Traffic:Edges:0:Name", "Edge A"), new("Traffic:Edges:0:Url", "nowhere"),
            new("Traffic:Policy", "by-mood"), new("Traffic:ProbeIntervalMs", "often"), new("Traffic:DnsPort", "70000"),
            new("Traffic:DnsName", "-.-"), new("Traffic:DnsEnabled", "maybe"), new("Traffic:ScoreMargin", "2"),
        ])));

        Assert.All(
            (string[])["Name", "Url", "Policy", "health-first", "ProbeIntervalMs", "DnsPort", "DnsName", "ScoreMargin"],
            name => Assert.Contains(name, error.Message));
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
