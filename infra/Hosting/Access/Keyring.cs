using System.Security.Cryptography;
using System.Text;

namespace EventStream.Hosting.Access;

/// <summary>Who a request comes from.</summary>
public sealed record Caller(string Name, AccessRole Role);

/// <summary>
/// Finds the holder of a key. Hashes are compared in constant time, all of them, whichever matches.
/// </summary>
public sealed class Keyring
{
    private readonly (Caller Caller, byte[] Hash)[] known;

    public Keyring(AccessOptions options)
    {
        var keys = options.Keys.Select(key => (new Caller(key.Name, key.Role), Convert.FromHexString(key.Sha256)));
        if (options.ServiceKey is { } service)
            keys = keys.Append((new Caller("service", AccessRole.Service), SHA256.HashData(Bytes(service))));
        known = [.. keys];
    }

    /// <summary>The holder of a key, or null.</summary>
    public Caller? Find(string key)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Bytes(key), hash);
        Caller? found = null;
        foreach (var (caller, expected) in known)
        {
            if (CryptographicOperations.FixedTimeEquals(hash, expected))
                found = caller;
        }

        return found;
    }

    private static byte[] Bytes(string key) => Encoding.UTF8.GetBytes(key);
}
