using EventStream.Broker.Security;
using EventStream.Console;
using EventStream.Messaging.Hosting;
using Microsoft.Extensions.Configuration;

namespace EventStream.Tests.Console;

/// <summary>How the broker's role reads TLS and SASL from its settings.</summary>
public sealed class BrokerSecurityTests
{
    [Fact]
    public void Without_settings_the_broker_speaks_plain_text_and_stays_on_the_loopback()
    {
        var security = Read();
        Assert.Equal(SecurityProtocol.Plaintext, security.Protocol);
        Assert.False(security.AllowUnprotectedNetwork);
    }

    [Fact]
    public void Protocol_mechanisms_users_files_and_times_come_from_the_settings()
    {
        var security = Read(
            ("SecurityProtocol", "sasl_ssl"), ("SaslMechanisms", "PLAIN, SCRAM-SHA-512"), ("Users:Ann", "secret"),
            ("UsersFile", "users"), ("CertificateFile", "cert.pem"), ("KeyFile", "key.pem"),
            ("ClientAuthorityFile", "ca.pem"), ("AuthenticationTimeout", "00:00:05"), ("SessionLifetime", "01:00:00"),
            ("AllowUnprotectedNetwork", "true"));
        Assert.Equal(SecurityProtocol.SaslSsl, security.Protocol);
        Assert.Equal(["PLAIN", "SCRAM-SHA-512"], security.Mechanisms);
        Assert.Equal("secret", security.Users["Ann"]);
        Assert.Equal("users", security.UsersFile);
        Assert.Equal(("cert.pem", "key.pem", "ca.pem"), (
            security.CertificateFile, security.KeyFile, security.ClientAuthorityFile));
        Assert.Equal(TimeSpan.FromSeconds(5), security.AuthenticationTimeout);
        Assert.Equal(TimeSpan.FromHours(1), security.SessionLifetime);
        Assert.True(security.AllowUnprotectedNetwork);
    }

    [Theory]
    [InlineData("SecurityProtocol", "TLS")]
    [InlineData("SessionLifetime", "an hour")]
    [InlineData("AllowUnprotectedNetwork", "perhaps")]
    public void A_value_of_another_kind_is_named_with_its_setting(string name, string value)
    {
        var refused = Assert.Throws<RoleConfigurationException>(() => Read((name, value)));
        Assert.Contains($"Broker:{name} '{value}'", refused.Message, StringComparison.Ordinal);
    }

    private static SecurityOptions Read(params (string Name, string Value)[] settings) => BrokerSecurity.Read(
        new ConfigurationBuilder().AddInMemoryCollection(
            settings.ToDictionary(s => "Broker:" + s.Name, s => (string?)s.Value)).Build(),
        "broker");
}
