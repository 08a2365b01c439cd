using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace EventStream.Embedded.Broker.Security;

/// <summary>The hashes that SCRAM is used with; the numbers are those of the Kafka protocol.</summary>
internal enum ScramMechanism : byte
{
    ScramSha256 = 1,
    ScramSha512 = 2,
}

/// <summary>
/// What the broker keeps in place of a password (RFC 5802, section 3): the salted, iterated hash lets it verify a
/// client and prove itself, and does not let anyone who reads it log in.
/// </summary>
internal sealed record ScramCredential(
    ScramMechanism Mechanism,
    byte[] Salt,
    int Iterations,
    byte[] StoredKey,
    byte[] ServerKey
)
{
    public const int IterationsDefault = 4096;
    private const int IterationsMax = 1_000_000;
    private const int SaltBytes = 24;

    /// <summary>Makes the credential of a password, with a salt of its own.</summary>
    public static ScramCredential Create(ScramMechanism mechanism, string password) =>
        Create(mechanism, password, RandomNumberGenerator.GetBytes(SaltBytes), IterationsDefault);

    /// <summary>As Kafka's clients do, the password is taken as UTF-8 without the preparation of RFC 4013.</summary>
    public static ScramCredential Create(ScramMechanism mechanism, string password, byte[] salt, int iterations)
    {
        var salted = Rfc2898DeriveBytes.Pbkdf2(
            Encoding.UTF8.GetBytes(password),
            salt,
            iterations,
            HashOf(mechanism),
            HashBytes(mechanism)
        );
        var clientKey = Hmac(mechanism, salted, "Client Key"u8);
        var serverKey = Hmac(mechanism, salted, "Server Key"u8);
        return new ScramCredential(mechanism, salt, iterations, Hash(mechanism, clientKey), serverKey);
    }

    /// <summary>Whether this is the password; takes as long for a wrong one.</summary>
    public bool Verifies(string password) =>
        CryptographicOperations.FixedTimeEquals(StoredKey, Create(Mechanism, password, Salt, Iterations).StoredKey);

    public static string NameOf(ScramMechanism mechanism) =>
        mechanism == ScramMechanism.ScramSha256 ? "SCRAM-SHA-256" : "SCRAM-SHA-512";

    public static ScramMechanism? Named(string name) =>
        name switch
        {
            "SCRAM-SHA-256" => ScramMechanism.ScramSha256,
            "SCRAM-SHA-512" => ScramMechanism.ScramSha512,
            _ => null,
        };

    /// <summary>Reads <c>SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey</c>, the bytes in base64.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out ScramCredential? credential)
    {
        credential = null;
        var parts = text.Split('$', ':');
        if (
            parts.Length != 5
            || Named(parts[0]) is not { } mechanism
            || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var iterations)
            || iterations is < IterationsDefault or > IterationsMax
            || Base64(parts[2]) is not { Length: > 0 } salt
            || Base64(parts[3]) is not { } storedKey
            || storedKey.Length != HashBytes(mechanism)
            || Base64(parts[4]) is not { } serverKey
            || serverKey.Length != HashBytes(mechanism)
        )
        {
            return false;
        }
        credential = new ScramCredential(mechanism, salt, iterations, storedKey, serverKey);
        return true;
    }

    public static byte[] Hmac(ScramMechanism mechanism, ReadOnlySpan<byte> key, ReadOnlySpan<byte> data) =>
        mechanism == ScramMechanism.ScramSha256 ? HMACSHA256.HashData(key, data) : HMACSHA512.HashData(key, data);

    public static byte[] Hash(ScramMechanism mechanism, ReadOnlySpan<byte> data) =>
        mechanism == ScramMechanism.ScramSha256 ? SHA256.HashData(data) : SHA512.HashData(data);

    /// <summary>The bytes of canonical base64 (RFC 4648, section 3.5); null for any other text.</summary>
    public static byte[]? Base64(string text)
    {
        var bytes = new byte[(text.Length / 4 * 3) + 3];
        return
            Convert.TryFromBase64String(text, bytes, out var length)
            && Convert.ToBase64String(bytes.AsSpan(0, length)) == text
            ? bytes[..length]
            : null;
    }

    public static int HashBytes(ScramMechanism mechanism) =>
        mechanism == ScramMechanism.ScramSha256 ? SHA256.HashSizeInBytes : SHA512.HashSizeInBytes;

    private static HashAlgorithmName HashOf(ScramMechanism mechanism) =>
        mechanism == ScramMechanism.ScramSha256 ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA512;
}
