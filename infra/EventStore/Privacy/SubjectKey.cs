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
        var nonce = HMACSHA256.HashData(key, plain).AsSpan(0, SealedBytes.NonceBytes);
        var cipher = Convert.ToBase64String(SealedBytes.Seal(key, nonce, plain));
        last = new Pair(text, cipher);
        return cipher;
    }

    /// <summary>Throws <see cref="CryptographicException"/> when the cipher was changed.</summary>
    public string Reveal(string cipher)
    {
        if (last is { } known && known.Cipher == cipher)
            return known.Text;
        var text = Encoding.UTF8.GetString(SealedBytes.Open(key, Convert.FromBase64String(cipher)));
        last = new Pair(text, cipher);
        return text;
    }

    private sealed record Pair(string Text, string Cipher);
}
