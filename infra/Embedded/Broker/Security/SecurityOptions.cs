using System.Net;

namespace EventStream.Embedded.Broker.Security;

/// <summary>How clients connect; the names are those of Kafka's <c>security.protocol</c>.</summary>
public enum SecurityProtocol
{
    /// <summary>Neither encrypted nor authenticated.</summary>
    Plaintext,

    /// <summary>TLS 1.2 or 1.3; clients are authenticated only where an authority for them is given.</summary>
    Ssl,

    /// <summary>Authenticated by SASL and not encrypted.</summary>
    SaslPlaintext,

    /// <summary>Authenticated by SASL over TLS.</summary>
    SaslSsl,
}

/// <summary>
/// Who may connect to a broker, and how. Users are authenticated by PLAIN (RFC 4616) or SCRAM-SHA-256 and
/// SCRAM-SHA-512 (RFC 5802, RFC 7677); passwords are turned into salted hashes as they are read and are not kept.
/// </summary>
public sealed record SecurityOptions
{
    /// <summary>The names of the mechanisms that this broker knows.</summary>
    public static readonly IReadOnlyList<string> KnownMechanisms = [Plain, "SCRAM-SHA-256", "SCRAM-SHA-512"];

    internal const string Plain = "PLAIN";

    /// <summary>The security protocol of the one listener.</summary>
    public SecurityProtocol Protocol { get; init; } = SecurityProtocol.Plaintext;

    /// <summary>
    /// The SASL mechanisms on offer. PLAIN, which shows the password to the broker, has to be asked for.
    /// </summary>
    public IReadOnlyList<string> Mechanisms { get; init; } = ["SCRAM-SHA-256", "SCRAM-SHA-512"];

    /// <summary>
    /// By the user's name the password, or in its stead a verifier in the form of RFC 5803 as PostgreSQL writes it:
    /// <c>SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey</c>, which keeps the password out of the configuration.
    /// </summary>
    public IReadOnlyDictionary<string, string> Users { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// A file with further users, one <c>name:password</c> or <c>name:verifier</c> a line; # begins a comment. It is
    /// read once, at the start.
    /// </summary>
    public string? UsersFile { get; init; }

    /// <summary>The PEM file of the broker's certificate, followed by those between it and the root.</summary>
    public string? CertificateFile { get; init; }

    /// <summary>The PEM file of the certificate's private key, without a passphrase.</summary>
    public string? KeyFile { get; init; }

    /// <summary>
    /// The PEM file of the authorities that sign the clients' certificates; with it a client without one is refused.
    /// </summary>
    public string? ClientAuthorityFile { get; init; }

    /// <summary>How long a new connection may take to finish the TLS handshake and the authentication.</summary>
    public TimeSpan AuthenticationTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a failed authentication is left without an answer, which slows down who tries passwords.
    /// </summary>
    public TimeSpan FailedAuthenticationDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// How long an authentication holds; a client that does not renew it on time (KIP-368) is disconnected. Null for
    /// as long as the connection lasts.
    /// </summary>
    public TimeSpan? SessionLifetime { get; init; }

    /// <summary>
    /// Lets a broker without TLS and SASL, or one that takes passwords by PLAIN without TLS, listen on an address
    /// that is not the loopback.
    /// </summary>
    public bool AllowUnprotectedNetwork { get; init; }

    internal bool UsesTls => Protocol is SecurityProtocol.Ssl or SecurityProtocol.SaslSsl;

    internal bool UsesSasl => Protocol is SecurityProtocol.SaslPlaintext or SecurityProtocol.SaslSsl;

    private bool ShowsSecrets => !UsesTls && (!UsesSasl || Mechanisms.Contains(Plain, StringComparer.Ordinal));

    /// <summary>Every error of the options for a broker that listens on this address; none names a secret.</summary>
    internal IEnumerable<string> Validate(IPAddress address)
    {
        if (ShowsSecrets && !AllowUnprotectedNetwork && !IPAddress.IsLoopback(address))
        {
            yield return $"{address} is not the loopback, and a network needs {nameof(Protocol)} "
                + $"{nameof(SecurityProtocol.Ssl)} or {nameof(SecurityProtocol.SaslSsl)}; "
                + $"{nameof(AllowUnprotectedNetwork)}=true opens the broker without.";
        }
        if (UsesTls && (string.IsNullOrEmpty(CertificateFile) || string.IsNullOrEmpty(KeyFile)))
        {
            yield return $"{Protocol} needs {nameof(CertificateFile)} and {nameof(KeyFile)}, two PEM files.";
        }
        if (UsesSasl && Users.Count == 0 && string.IsNullOrEmpty(UsersFile))
        {
            yield return $"{Protocol} lets nobody in without {nameof(Users)} or a {nameof(UsersFile)}.";
        }
        if (UsesSasl && (Mechanisms.Count == 0 || Mechanisms.Except(KnownMechanisms, StringComparer.Ordinal).Any()))
        {
            yield return $"{nameof(Mechanisms)} is one or more of {string.Join(", ", KnownMechanisms)}.";
        }
        if (AuthenticationTimeout <= TimeSpan.Zero || FailedAuthenticationDelay < TimeSpan.Zero)
        {
            yield return $"{nameof(AuthenticationTimeout)} is positive, "
                + $"{nameof(FailedAuthenticationDelay)} not negative.";
        }
        if (SessionLifetime <= TimeSpan.Zero)
        {
            yield return $"{nameof(SessionLifetime)} is {SessionLifetime}; it is positive or absent.";
        }
    }
}
