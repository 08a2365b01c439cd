using EventStream.Hosting;
using EventStream.Playback;

namespace EventStream.Unit.Tests.Playback;

public sealed class PlaybackOptionsTests
{
    private static readonly KeyValuePair<string, string?>[] Good =
    [
        new("Playback:SigningKey", "a key that is long enough for anyone"),
        new("Media:Root", "/tmp/x"),
        new("Traffic:Edges:0:Name", "edge-a"),
        new("Traffic:Edges:0:Url", "http://127.0.0.1:7080/"),
    ];

    [Fact]
    public void Urls_default_to_loopback_and_edges_lose_their_trailing_slash()
    {
        var options = Read(Good);

        Assert.Equal("http://127.0.0.1:7003", options.TrafficUrl);
        Assert.Equal("http://127.0.0.1:7080", options.Edges[0].Url);
        Assert.DoesNotContain("long enough", options.ToString());
    }

    [Fact]
    public void Players_get_public_addresses_and_roles_ask_each_other_at_their_own()
    {
        var options = Read([
            .. Good,
            new("Urls:traffic", "http://traffic:7003"),
            new("Urls:collect", "http://collect:7004"),
            new("Urls:Public:traffic", "https://traffic.video.example"),
            new("Urls:Public:collect", "https://collect.video.example/"),
            new("Urls:Public:edge-a", "https://edge-a.video.example/"),
        ]);

        Assert.Equal("http://traffic:7003", options.TrafficUrl);
        Assert.Equal("https://traffic.video.example", options.SteeringUrl);
        Assert.Equal("https://collect.video.example", options.CollectUrl);
        Assert.Equal("https://edge-a.video.example", options.Edges[0].Url);
    }

    [Fact]
    public void Everything_wrong_is_named_at_once()
    {
        var error = Assert.Throws<RoleConfigurationException>(() =>
            RoleHost.Build(
                new PlaybackRole(),
                RoleHost.ReadConfiguration(
                    null,
                    [
                        new("Playback:SigningKeyFile", "/nowhere/key"),
                        new("Playback:TokenLifetimeSeconds", "soon"),
                        new("Playback:SessionsPerMinute", "0"),
                        new("Traffic:Edges:0:Name", "Edge"),
                        new("Traffic:Edges:0:Url", "x"),
                    ]
                )
            )
        );

        Assert.All(
            (string[])["SigningKeyFile", "TokenLifetimeSeconds", "SessionsPerMinute", "Media:Root", "Traffic:Edges"],
            name => Assert.Contains(name, error.Message)
        );
    }

    private static PlaybackOptions Read(KeyValuePair<string, string?>[] settings)
    {
        var errors = new List<string>();
        var options = PlaybackOptions.Read(RoleHost.ReadConfiguration(null, settings), errors);
        Assert.Empty(errors);
        return options;
    }
}
