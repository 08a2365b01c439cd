using System.Text;

namespace EventStream.Embedded.Broker.Security;

/// <summary>
/// The answer to one message of a SASL exchange: <see cref="User"/> is set when it ends well, <see cref="Failed"/>
/// when it does not, and neither while it goes on.
/// </summary>
internal readonly record struct SaslStep(byte[] Reply, string? User = null, bool Failed = false)
{
    public static readonly SaslStep Failure = new([], Failed: true);
}

/// <summary>The broker's side of one authentication, message by message. No message makes it throw.</summary>
internal interface ISaslExchange
{
    SaslStep Next(ReadOnlySpan<byte> message);
}

/// <summary>PLAIN (RFC 4616): one message with the name and the password.</summary>
internal sealed class PlainExchange(Users users) : ISaslExchange
{
    public SaslStep Next(ReadOnlySpan<byte> message)
    {
        var parts = Encoding.UTF8.GetString(message).Split('\0');
        if (parts is not [var authorizeAs, { Length: > 0 } name, { Length: > 0 } password])
        {
            return SaslStep.Failure;
        }
        var isOwnName = authorizeAs.Length == 0 || authorizeAs == name;
        return users.Verifies(name, password) && isOwnName ? new SaslStep([], name) : SaslStep.Failure;
    }
}
