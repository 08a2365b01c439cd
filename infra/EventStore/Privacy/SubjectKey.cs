using System.Security.Cryptography;
using System.Text;

namespace EventStream.EventStore.Privacy;

/// <summary>
/// The key of one person: AES-256-GCM over texts. The nonce follows from key and text (a synthetic one, by HMAC), so
/// that the same text of the same person is always the same cipher and none is ever used for two texts; that two
/// ciphers of a person are equal shows no more than the key's number beside them.
/// </summary>
internal sealed class SubjectKey
{
    public const int KeyBytes = 32;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private readonly byte[] key;

    // What a person does most is act: its name, again and again.
    private volatile Pair? last;

    public SubjectKey(long id, byte[] key) => (Id, this.key) = (id, key);

    /// <summary>The number by which ciphers name the key.</summary>
    public long Id { get; }

    public string Protect(string text)
    {
        if (last is { } known && known.Text == text)
            return known.Cipher;
        var plain = Encoding.UTF8.GetBytes(text);
        var bytes = new byte[NonceBytes + plain.Length + TagBytes];
        HMACSHA256.HashData(key, plain).AsSpan(0, NonceBytes).CopyTo(bytes);
        using var aes = new AesGcm(key, TagBytes);
        aes.Encrypt(
            bytes.AsSpan(0, NonceBytes),
            plain,
            bytes.AsSpan(NonceBytes, plain.Length),
            bytes.AsSpan(^TagBytes)
        );
        var cipher = Convert.ToBase64String(bytes);
        last = new Pair(text, cipher);
        return cipher;
    }

    /// <summary>Throws <see cref="CryptographicException"/> when the cipher was changed.</summary>
    public string Reveal(string cipher)
    {
        if (last is { } known && known.Cipher == cipher)
            return known.Text;
        var bytes = Convert.FromBase64String(cipher);
        if (bytes.Length < NonceBytes + TagBytes)
            throw new CryptographicException("A cipher is too short to be one.");
        var plain = new byte[bytes.Length - NonceBytes - TagBytes];
        using var aes = new AesGcm(key, TagBytes);
        aes.Decrypt(
            bytes.AsSpan(0, NonceBytes),
            bytes.AsSpan(NonceBytes, plain.Length),
            bytes.AsSpan(^TagBytes),
            plain
        );
        var text = Encoding.UTF8.GetString(plain);
        last = new Pair(text, cipher);
        return text;
    }

    private sealed record Pair(string Text, string Cipher);
}
