using System.Net;
using EventStream.Embedded.Broker.Security;

namespace EventStream.Embedded.Tests.Broker;

/// <summary>What the options of the broker's security refuse before it listens.</summary>
public sealed class SecurityOptionsTests
{
    private static readonly IPAddress Network = IPAddress.Any;

    private static readonly SecurityOptions Sasl = new()
    {
        Protocol = SecurityProtocol.SaslPlaintext,
        Users = new Dictionary<string, string> { ["ann"] = "secret" },
    };

    private static readonly SecurityOptions Tls = new()
    {
        Protocol = SecurityProtocol.Ssl,
        CertificateFile = "cert.pem",
        KeyFile = "key.pem",
    };

    [Fact]
    public void A_network_without_protection_is_an_explicit_choice()
    {
        Assert.Contains("AllowUnprotectedNetwork", Assert.Single(new SecurityOptions().Validate(Network)));
        Assert.Contains(
            "AllowUnprotectedNetwork",
            Assert.Single((Sasl with { Mechanisms = ["PLAIN"] }).Validate(Network))
        );
        Assert.Empty(new SecurityOptions { AllowUnprotectedNetwork = true }.Validate(Network));
        Assert.Empty(new SecurityOptions().Validate(IPAddress.Loopback));
        Assert.Empty(new SecurityOptions().Validate(IPAddress.IPv6Loopback));
        Assert.Empty(Sasl.Validate(Network));
        Assert.Empty(Tls.Validate(Network));
    }

    [Fact]
    public void What_a_protocol_needs_is_asked_for_by_name()
    {
        Assert.Contains("KeyFile", Assert.Single((Tls with { KeyFile = null }).Validate(Network)));
        Assert.Contains(
            "UsersFile",
            Assert.Single((Sasl with { Users = new Dictionary<string, string>() }).Validate(Network))
        );
        Assert.Contains("SCRAM-SHA-512", Assert.Single((Sasl with { Mechanisms = ["GSSAPI"] }).Validate(Network)));
        Assert.Contains(
            "SessionLifetime",
            Assert.Single((Sasl with { SessionLifetime = TimeSpan.Zero }).Validate(Network))
        );
    }
}
