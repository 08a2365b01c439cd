using System.Net;
using EventStream.Upload.Webhooks;

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
        var refused = await Assert.ThrowsAsync<RefusedAddressException>(() => Gate().ResolveAsync(host, default));
        Assert.Contains(host, refused.Message, StringComparison.Ordinal);
        Assert.NotEmpty(await Gate("127.0.0.0/8", "::1/128").ResolveAsync(host, default));
    }

    [Fact]
    public async Task Of_a_network_that_is_allowed_the_neighbours_are_not() =>
        await Assert.ThrowsAsync<RefusedAddressException>(() => Gate("10.1.0.0/16").ResolveAsync("10.2.0.1", default));

    private static OutboundGate Gate(params string[] networks)
    {
        var errors = new List<string>();
        var settings = new Dictionary<string, string?> { ["Webhooks:AllowedNetworks"] = string.Join(',', networks) };
        var options = WebhookOptions.Read(EventStream.Hosting.RoleHost.ReadConfiguration(null, settings), errors);
        Assert.Empty(errors);
        return new OutboundGate(options);
    }
}
