using System.Security.Cryptography;

namespace EventStream.EventStore.Privacy;

/// <summary>AES-256-GCM as it is stored: nonce, cipher, tag.</summary>
internal static class SealedBytes
{
    public const int NonceBytes = 12;
    private const int TagBytes = 16;

    /// <summary>Encrypts, bound to <paramref name="context"/>. A nonce must never serve two texts of one key.</summary>
    public static byte[] Seal(
        byte[] key,
        ReadOnlySpan<byte> nonce,
        ReadOnlySpan<byte> plain,
        ReadOnlySpan<byte> context = default
    )
    {
        var bytes = new byte[NonceBytes + plain.Length + TagBytes];
        nonce.CopyTo(bytes);
        using var aes = new AesGcm(key, TagBytes);
        aes.Encrypt(nonce, plain, bytes.AsSpan(NonceBytes, plain.Length), bytes.AsSpan(^TagBytes), context);
        return bytes;
    }

    /// <summary>
    /// Throws <see cref="CryptographicException"/> under another key or context, or when it was changed.
    /// </summary>
    public static byte[] Open(byte[] key, ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> context = default)
    {
        if (bytes.Length < NonceBytes + TagBytes)
            throw new CryptographicException("A cipher is too short to be one.");
        var plain = new byte[bytes.Length - NonceBytes - TagBytes];
        using var aes = new AesGcm(key, TagBytes);
        aes.Decrypt(bytes[..NonceBytes], bytes[NonceBytes..^TagBytes], bytes[^TagBytes..], plain, context);
        return plain;
    }
}
