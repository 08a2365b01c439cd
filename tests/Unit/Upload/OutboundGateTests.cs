using System.Net;
using EventStream.Upload.Outbound;

namespace EventStream.Unit.Tests.Upload;

public sealed class OutboundGateTests
{
    [Theory]
    [InlineData("93.184.215.14")]
    [InlineData("100.63.255.255")]
    [InlineData("172.32.0.1")]
    [InlineData("2606:2800:21f:cb07:6820:80da:af6b:8b2c")]
    public void A_public_address_may_be_called(string address) =>
        Assert.True(OutboundGate.IsPublic(IPAddress.Parse(address)));

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("10.1.2.3")]
    [InlineData("100.64.0.1")]
    [InlineData("127.0.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("172.31.255.255")]
    [InlineData("192.168.0.1")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::ffff:10.1.2.3")]
    [InlineData("64:ff9b::a01:203")]
    [InlineData("2002:a01:203::1")]
    [InlineData("fd00::1")]
    [InlineData("fe80::1")]
    [InlineData("ff02::1")]
    public void Any_other_one_may_not(string address) => Assert.False(OutboundGate.IsPublic(IPAddress.Parse(address)));

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("localhost")]
    public async Task A_name_is_what_its_addresses_are(string host)
    {
        var url = new UriBuilder("http", host, 80, "/file").Uri;
        var refused = await Assert.ThrowsAsync<RefusedAddressException>(() => Gate().CheckAsync($"{url}", default));
        Assert.Contains(host, refused.Message, StringComparison.Ordinal);
        Assert.Equal(url, await Gate("127.0.0.0/8", "::1/128").CheckAsync($"{url}", default));
    }

    [Fact]
    public async Task Of_a_network_that_is_allowed_the_neighbours_are_not() =>
        await Assert.ThrowsAsync<RefusedAddressException>(() =>
            Gate("10.1.0.0/16").CheckAsync("https://10.2.0.1/", default)
        );

    [Theory]
    [InlineData("*", "media.example.com", true)]
    [InlineData("media.example.com", "MEDIA.example.com", true)]
    [InlineData("*.example.com", "media.example.com.", true)]
    [InlineData("*.example.com", "example.com", false)]
    [InlineData("example.com", "media.example.com", false)]
    [InlineData("*.example.com", "notexample.com", false)]
    public void A_host_is_allowed_by_its_name_or_those_above_it(string name, string host, bool allowed) =>
        Assert.Equal(allowed, new HostList([name]).Contains(host));

    [Fact]
    public async Task A_host_that_is_not_listed_is_not_even_looked_up()
    {
        var gate = new OutboundGate([IPNetwork.Parse("127.0.0.0/8")], new HostList(["media.example.com"]));
        var refused = await Assert.ThrowsAsync<RefusedAddressException>(() =>
            gate.CheckAsync("http://127.0.0.1/", default)
        );
        Assert.Contains("media.example.com", refused.Message, StringComparison.Ordinal);
    }

    private static OutboundGate Gate(params string[] networks)
    {
        var errors = new List<string>();
        var parsed = HostList.Networks("Webhooks:AllowedNetworks", networks, errors);
        Assert.Empty(errors);
        return new OutboundGate(parsed, HostList.All);
    }
}
