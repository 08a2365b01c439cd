using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Security;

/// <summary>
/// The state of the authentication of one connection. Until it has ended well, only the requests that belong to it
/// are served; after its lifetime it must be renewed, for the same user.
/// </summary>
internal sealed class SaslSession(SecurityOptions options, Users users, TimeProvider time)
{
    private ISaslExchange? _exchange;
    private string? _user;
    private long _startedAt;
    private bool _sendsRawTokens;

    public bool IsAuthenticated { get; private set; }

    /// <summary>
    /// True while the client sends the messages of the exchange as bare frames, as after version 0 of SaslHandshake.
    /// </summary>
    public bool ExpectsRawToken => _sendsRawTokens && _exchange is not null;

    /// <summary>The mechanism of the exchange that was begun last.</summary>
    public string Mechanism { get; private set; } = "";

    public IReadOnlyList<string> Mechanisms => options.Mechanisms;

    /// <summary>How long the authentication holds, in milliseconds; 0 for as long as the connection does.</summary>
    public long LifetimeMs => (long)(options.SessionLifetime?.TotalMilliseconds ?? 0);

    /// <summary>Begins an exchange, the first of a connection or one that renews the authentication.</summary>
    public ErrorCode Begin(string mechanism, bool sendsRawTokens)
    {
        if (_exchange is not null)
        {
            return ErrorCode.IllegalSaslState;
        }
        if (!options.Mechanisms.Contains(mechanism, StringComparer.Ordinal))
        {
            return ErrorCode.UnsupportedSaslMechanism;
        }
        Mechanism = mechanism;
        _sendsRawTokens = sendsRawTokens;
        _exchange = ScramCredential.Named(mechanism) is { } scram
            ? new ScramExchange(users, scram)
            : new PlainExchange(users);
        return ErrorCode.None;
    }

    /// <summary>Takes the client's next message; one that comes without an exchange fails.</summary>
    public SaslStep Next(ReadOnlySpan<byte> message)
    {
        if (_exchange is null)
        {
            return SaslStep.Failure;
        }
        var step = _exchange.Next(message);
        if (step.User is not { } user)
        {
            return step;
        }
        _exchange = null;
        if (_user is not null && _user != user)
        {
            return SaslStep.Failure;
        }
        (_user, _startedAt, IsAuthenticated) = (user, time.GetTimestamp(), true);
        return step;
    }

    /// <summary>Refuses a request that the authentication does not cover.</summary>
    /// <exception cref="MalformedRequestException">The client is not authenticated, or no longer.</exception>
    public void Admit(ApiKey api)
    {
        if (api is ApiKey.ApiVersions or ApiKey.SaslHandshake or ApiKey.SaslAuthenticate)
        {
            return;
        }
        if (!IsAuthenticated)
        {
            throw new MalformedRequestException($"{api} before the authentication; set up the client for SASL");
        }
        if (options.SessionLifetime is { } lifetime && time.GetElapsedTime(_startedAt) > lifetime)
        {
            throw new MalformedRequestException("the authentication has run out and was not renewed");
        }
    }
}
