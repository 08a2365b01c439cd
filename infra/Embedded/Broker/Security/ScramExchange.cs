using System.Security.Cryptography;
using System.Text;

namespace EventStream.Embedded.Broker.Security;

/// <summary>
/// SCRAM (RFC 5802, RFC 7677) without channel binding: the client proves that it knows the password, the broker that
/// it knows the user, and the password does not cross the wire.
/// </summary>
internal sealed class ScramExchange(Users users, ScramMechanism mechanism) : ISaslExchange
{
    private const int NonceBytes = 24;
    private string _user = "";
    private string _header = "";
    private string _nonce = "";
    private string _clientFirst = "";
    private string _serverFirst = "";
    private ScramCredential? _credential;
    private bool _userExists;

    public SaslStep Next(ReadOnlySpan<byte> message)
    {
        var text = Encoding.UTF8.GetString(message);
        return _credential is null ? First(text) : Final(text, _credential);
    }

    /// <summary>
    /// The client's first message: <c>n,,n=user,r=nonce</c>, in which the part before the name says that there is no
    /// channel binding and may name whom to act as.
    /// </summary>
    private SaslStep First(string text)
    {
        var parts = text.Split(',');
        if (
            parts.Length < 4
            || parts[0] is not ("n" or "y")
            || Value(parts[2], 'n') is not { } escaped
            || Unescape(escaped) is not { Length: > 0 } user
            || Value(parts[3], 'r') is not { Length: > 0 } clientNonce
            || (parts[1].Length > 0 && parts[1] != "a=" + escaped)
        )
        {
            return SaslStep.Failure;
        }
        _user = user;
        _header = $"{parts[0]},{parts[1]},";
        _clientFirst = text[_header.Length..];
        _nonce = clientNonce + Convert.ToBase64String(RandomNumberGenerator.GetBytes(NonceBytes));
        _credential = users.FindOrDecoy(user, mechanism, out _userExists);
        _serverFirst = $"r={_nonce},s={Convert.ToBase64String(_credential.Salt)},i={_credential.Iterations}";
        return new SaslStep(Encoding.UTF8.GetBytes(_serverFirst));
    }

    /// <summary>
    /// The client's last message: <c>c=header,r=nonce,p=proof</c>. librdkafka puts its own part of the nonce before
    /// the whole once more; Apache Kafka lets that pass, and the proof covers it either way.
    /// </summary>
    private SaslStep Final(string text, ScramCredential credential)
    {
        var proofAt = text.LastIndexOf(",p=", StringComparison.Ordinal);
        var parts = text.Split(',');
        if (
            proofAt < 0
            || parts.Length < 3
            || Value(parts[0], 'c') != Convert.ToBase64String(Encoding.UTF8.GetBytes(_header))
            || Value(parts[1], 'r')?.EndsWith(_nonce, StringComparison.Ordinal) != true
            || ScramCredential.Base64(text[(proofAt + 3)..]) is not { } proof
            || proof.Length != credential.StoredKey.Length
        )
        {
            return SaslStep.Failure;
        }
        var signed = Encoding.UTF8.GetBytes($"{_clientFirst},{_serverFirst},{text[..proofAt]}");
        var clientKey = ScramCredential.Hmac(mechanism, credential.StoredKey, signed);
        for (var i = 0; i < clientKey.Length; i++)
        {
            clientKey[i] ^= proof[i];
        }
        var proves = CryptographicOperations.FixedTimeEquals(
            ScramCredential.Hash(mechanism, clientKey),
            credential.StoredKey
        );
        if (!proves || !_userExists)
        {
            return SaslStep.Failure;
        }
        var signature = ScramCredential.Hmac(mechanism, credential.ServerKey, signed);
        return new SaslStep(Encoding.UTF8.GetBytes("v=" + Convert.ToBase64String(signature)), _user);
    }

    private static string? Value(string part, char name) =>
        part.Length >= 2 && part[0] == name && part[1] == '=' ? part[2..] : null;

    /// <summary>
    /// In a name, <c>=2C</c> is a comma and <c>=3D</c> an equals sign, which never appear as themselves.
    /// </summary>
    private static string? Unescape(string name)
    {
        var plain = name.Replace("=2C", ",", StringComparison.Ordinal).Replace("=3D", "=", StringComparison.Ordinal);
        var escapes = name.Split("=2C").Length + name.Split("=3D").Length - 2;
        return name.Count(c => c == '=') == escapes ? plain : null;
    }
}
