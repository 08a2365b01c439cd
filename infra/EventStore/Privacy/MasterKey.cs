using System.Security.Cryptography;
using System.Text;

namespace EventStream.EventStore.Privacy;

/// <summary>
/// The secret that stands over the keys of all persons: it encrypts them where they are stored, and names persons by
/// hashes that show nothing without it. It is never written to the store nor to a log. Losing it loses all
/// personal data of the store, and nothing else.
/// </summary>
public sealed class MasterKey
{
    /// <summary>Shortest secret, in characters: 128 bits in hexadecimal.</summary>
    public const int SecretMin = 32;

    private readonly byte[] wrapping;
    private readonly byte[] naming;

    private MasterKey(byte[] secret)
    {
        wrapping = HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 32, info: "eventstream wrap"u8.ToArray());
        naming = HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 32, info: "eventstream name"u8.ToArray());
        var print = HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 8, info: "eventstream print"u8.ToArray());
        Fingerprint = Convert.ToHexStringLower(print);
    }

    /// <summary>Distinguishes master keys and reveals none.</summary>
    public string Fingerprint { get; }

    /// <summary>
    /// The key of a secret text, such as the content of a key file; white space around it does not count. Throws
    /// <see cref="ArgumentException"/> when it is too short to be one.
    /// </summary>
    public static MasterKey Of(string secret)
    {
        var text = secret.Trim();
        if (text.Length < SecretMin)
            throw new ArgumentException(
                $"A master key has at least {SecretMin} characters; make one with 'openssl rand -hex 32'.",
                nameof(secret)
            );
        return new MasterKey(Encoding.UTF8.GetBytes(text));
    }

    /// <summary>A key that ends with this process, for stores that do too.</summary>
    public static MasterKey Ephemeral() => new(RandomNumberGenerator.GetBytes(32));

    /// <summary>The name under which a person's key is stored.</summary>
    internal byte[] NameOf(string subject) => HMACSHA256.HashData(naming, Encoding.UTF8.GetBytes(subject));

    /// <summary>A person's key as it is stored, bound to the person's name.</summary>
    internal byte[] Wrap(byte[] key, byte[] name) =>
        SealedBytes.Seal(wrapping, RandomNumberGenerator.GetBytes(SealedBytes.NonceBytes), key, name);

    /// <summary>The key again. Throws <see cref="CryptographicException"/> under another master key.</summary>
    internal byte[] Unwrap(byte[] wrapped, byte[] name) => SealedBytes.Open(wrapping, wrapped, name);
}

/// <summary>
/// The personal data of the store was encrypted under another master key than this program has.
/// </summary>
public sealed class WrongMasterKeyException(string stored, string given)
    : Exception(
        $"Personal data of this store is under the master key with fingerprint {stored} and this program has {given}: "
            + "set Postgres:MasterKeyFile to the key that the store was begun with."
    );
