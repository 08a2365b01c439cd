using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace EventStream.Tokens;

/// <summary>
/// What Playback says of a session in the address for its beacons. <paramref name="Expires"/> counts in whole seconds.
/// </summary>
public sealed record BeaconClaims(
    string SessionId,
    string VideoId,
    DateTimeOffset Expires,
    string Region,
    string Player
);

/// <summary>
/// The proof that Playback opened a session: an HMAC-SHA256 over its claims, in base64url. The key is derived from
/// the signing key for this purpose alone. Region and player are covered too, so that one session cannot report under
/// many names.
/// </summary>
public sealed class BeaconProof
{
    /// <summary>How long after a session's end its last reports still count.</summary>
    public static readonly TimeSpan Leeway = TimeSpan.FromMinutes(5);

    private const string Version = "eventstream beacon proof v1";
    private readonly byte[] key;

    /// <summary>
    /// Throws <see cref="ArgumentException"/> when the signing key is shorter than <see cref="SigningKeys.LengthMin"/>.
    /// </summary>
    public BeaconProof(string signingKey)
    {
        key = HKDF.DeriveKey(
            HashAlgorithmName.SHA256,
            SigningKeys.Bytes(signingKey),
            HMACSHA256.HashSizeInBytes,
            info: Encoding.UTF8.GetBytes(Version)
        );
    }

    /// <summary>The proof of the claims. Throws <see cref="ArgumentException"/> for a line break in one.</summary>
    public string Make(BeaconClaims claims) =>
        Base64Url.EncodeToString(
            Sign(claims) ?? throw new ArgumentException("A claim holds a line break.", nameof(claims))
        );

    /// <summary>True where the proof is that of the claims and the session has not expired.</summary>
    public bool Check(BeaconClaims claims, string? proof, DateTimeOffset now)
    {
        Span<byte> given = stackalloc byte[HMACSHA256.HashSizeInBytes];
        if (proof is null || !Base64Url.IsValid(proof, out var length) || length != given.Length)
            return false;
        Base64Url.DecodeFromChars(proof, given);
        return Sign(claims) is { } expected
            && CryptographicOperations.FixedTimeEquals(expected, given)
            && claims.Expires >= now - Leeway;
    }

    private byte[]? Sign(BeaconClaims claims)
    {
        var seconds = claims.Expires.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        string[] fields = [Version, claims.SessionId, claims.VideoId, seconds, claims.Region, claims.Player];
        // A line break ends a field; with one inside, two sets of claims could have the same text.
        return Array.Exists(fields, field => field.Contains('\n', StringComparison.Ordinal))
            ? null
            : HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(string.Join('\n', fields)));
    }
}
