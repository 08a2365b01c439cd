using System.Net;
using EventStream.Playback;
using EventStream.Playback.Sessions;

namespace EventStream.Unit.Tests.Playback;

public sealed class SessionLimitsTests : IDisposable
{
    private readonly SessionLimits limits = new(
        new PlaybackOptions
        {
            SigningKey = "",
            Edges = [],
            TrafficUrl = "",
            SteeringUrl = "",
            CollectUrl = "",
            SessionsBurst = 3,
            SessionsPerMinute = 1,
        }
    );

    public void Dispose() => limits.Dispose();

    [Fact]
    public void An_address_that_has_used_its_burst_is_refused_for_a_time_and_others_are_not()
    {
        var address = IPAddress.Parse("192.0.2.1");

        for (var i = 0; i < 3; i++)
            Assert.Null(limits.Refuse(address));

        Assert.InRange(limits.Refuse(address)!.Value.TotalSeconds, 1, 60);
        Assert.Null(limits.Refuse(IPAddress.Parse("192.0.2.2")));
    }

    [Fact]
    public void Loopback_has_the_same_bound_as_any_address()
    {
        for (var i = 0; i < 3; i++)
            Assert.Null(limits.Refuse(IPAddress.Loopback));

        Assert.NotNull(limits.Refuse(IPAddress.Loopback));
        Assert.NotNull(limits.Refuse(IPAddress.Loopback.MapToIPv6()));
    }

    [Fact]
    public void The_addresses_of_one_customers_IPv6_network_share_a_bound()
    {
        for (var i = 0; i < 3; i++)
            Assert.Null(limits.Refuse(IPAddress.Parse($"2001:db8:1:2::{i}")));

        Assert.NotNull(limits.Refuse(IPAddress.Parse("2001:db8:1:2:ffff::9")));
        Assert.Null(limits.Refuse(IPAddress.Parse("2001:db8:1:3::1")));
    }
}
