using EventStream.Hosting;
using EventStream.Playback;

namespace EventStream.Tests.Playback;

public sealed class PlaybackOptionsTests
{
    private static readonly KeyValuePair<string, string?>[] Good =
    [
        new("Playback:SigningKey", "a key that is long enough for anyone"), new("Media:Root", "/tmp/x"),
        new("Traffic:Edges:0:Name", "edge-a"), new("Traffic:Edges:0:Url", "http://127.0.0.1:7080/"),
    ];

    [Fact]
    public void Urls_default_to_loopback_and_edges_lose_their_trailing_slash()
    {
        var options = PlaybackOptions.From(RoleHost.ReadConfiguration(null, Good));

        Assert.Equal("http://127.0.0.1:7003", options.TrafficUrl);
        Assert.Equal("http://127.0.0.1:7080", options.Edges[0].Url);
        Assert.DoesNotContain("long enough", options.ToString());
    }

    [Fact]
    public void Everything_wrong_is_named_at_once()
    {
        var error = Assert.Throws<RoleConfigurationException>(() =>
            PlaybackOptions.From(RoleHost.ReadConfiguration(null,
        [
            new("Playback:SigningKeyFile", "/nowhere/key"), new("Playback:TokenLifetimeSeconds", "soon"),
            new("Traffic:Edges:0:Name", "Edge"), new("Traffic:Edges:0:Url", "x"),
        ])));

        Assert.All(
            (string[])["SigningKeyFile", "TokenLifetimeSeconds", "Media:Root", "Traffic:Edges"],
            name => Assert.Contains(name, error.Message));
    }
}
