using EventStream.Broker.Security;
using EventStream.Messaging.Hosting;

namespace EventStream.Console;

/// <summary>
/// Reads who may connect to the broker's role, and how: <c>Broker:SecurityProtocol</c> (PLAINTEXT, SSL, SASL_PLAINTEXT
/// or SASL_SSL), <c>Broker:SaslMechanisms</c> (a comma between two), <c>Broker:UsersFile</c> or
/// <c>Broker:Users:NAME</c> with the password or verifier, <c>Broker:CertificateFile</c> and <c>Broker:KeyFile</c>
/// (PEM), <c>Broker:ClientAuthorityFile</c> for clients that need a certificate,
/// <c>Broker:AuthenticationTimeout</c> and <c>Broker:SessionLifetime</c> (hh:mm:ss), and
/// <c>Broker:AllowUnprotectedNetwork</c>. The environment spells them <c>EVENTSTREAM__BROKER__SECURITYPROTOCOL</c> and
/// so on.
/// </summary>
internal static class BrokerSecurity
{
    private const string Prefix = "Broker:";

    /// <exception cref="RoleConfigurationException">A value is not of its kind; it names the setting.</exception>
    public static SecurityOptions Read(IConfiguration configuration, string role)
    {
        var defaults = new SecurityOptions();
        return new SecurityOptions
        {
            Protocol = Protocol(configuration[Prefix + "SecurityProtocol"], role) ?? defaults.Protocol,
            Mechanisms = configuration[Prefix + "SaslMechanisms"] is { Length: > 0 } mechanisms
                ? mechanisms.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                : defaults.Mechanisms,
            Users = configuration.GetSection(Prefix + "Users").GetChildren()
                .ToDictionary(user => user.Key, user => user.Value ?? "", StringComparer.Ordinal),
            UsersFile = configuration[Prefix + "UsersFile"],
            CertificateFile = configuration[Prefix + "CertificateFile"],
            KeyFile = configuration[Prefix + "KeyFile"],
            ClientAuthorityFile = configuration[Prefix + "ClientAuthorityFile"],
            AuthenticationTimeout =
                Span(configuration, "AuthenticationTimeout", role) ?? defaults.AuthenticationTimeout,
            SessionLifetime = Span(configuration, "SessionLifetime", role),
            AllowUnprotectedNetwork = Flag(configuration, "AllowUnprotectedNetwork", role),
        };
    }

    private static SecurityProtocol? Protocol(string? value, string role) => value?.ToUpperInvariant() switch
    {
        null or "" => null,
        "PLAINTEXT" => SecurityProtocol.Plaintext,
        "SSL" => SecurityProtocol.Ssl,
        "SASL_PLAINTEXT" => SecurityProtocol.SaslPlaintext,
        "SASL_SSL" => SecurityProtocol.SaslSsl,
        _ => throw new RoleConfigurationException(
            role, $"{Prefix}SecurityProtocol '{value}' is none of PLAINTEXT, SSL, SASL_PLAINTEXT and SASL_SSL."),
    };

    private static TimeSpan? Span(IConfiguration configuration, string name, string role)
    {
        if (configuration[Prefix + name] is not { Length: > 0 } value) return null;
        return TimeSpan.TryParse(value, System.Globalization.CultureInfo.InvariantCulture, out var span)
            ? span
            : throw new RoleConfigurationException(role, $"{Prefix}{name} '{value}' is no time; write it as hh:mm:ss.");
    }

    private static bool Flag(IConfiguration configuration, string name, string role)
    {
        if (configuration[Prefix + name] is not { Length: > 0 } value) return false;
        return bool.TryParse(value, out var flag)
            ? flag
            : throw new RoleConfigurationException(role, $"{Prefix}{name} '{value}' is neither true nor false.");
    }
}
