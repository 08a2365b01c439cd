using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using EventStream.Contracts;

namespace EventStream.Tokens;

/// <summary>What a signed prefix turned out to be.</summary>
public enum TokenVerdict
{
    Valid,
    Expired,
    Forged,
}

/// <summary>
/// Makes and checks the signed path prefix <c>/s/{expires}/{sessionId}/{signature}</c>, with which one session opens
/// every file of one video until <c>expires</c> (Unix seconds). The signature is nginx's <c>secure_link_md5</c>:
/// base64url of the MD5 of <c>{expires} {sessionId} /media/{videoId} {secret}</c>. The message has one fixed form and
/// the secret, 256 bits derived from the signing key, comes last, so neither extension nor collision of MD5 helps a
/// forger.
/// </summary>
public sealed class EdgeTokens
{
    private const int SignatureLength = 22;
    private static readonly byte[] Purpose = "eventstream edge token v2"u8.ToArray();
    private readonly string secret;

    /// <summary>
    /// Throws <see cref="ArgumentException"/> when the key is shorter than <see cref="SigningKeys.LengthMin"/>.
    /// </summary>
    public EdgeTokens(string signingKey)
    {
        secret = Convert.ToHexStringLower(HMACSHA256.HashData(SigningKeys.Bytes(signingKey), Purpose));
    }

    /// <summary>
    /// The prefix for a video and session, without a trailing slash. Fractions of a second are cut off.
    /// </summary>
    public string Prefix(VideoId video, Guid session, DateTimeOffset expires)
    {
        var seconds = expires.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        return $"/s/{seconds}/{session:D}/{Sign(seconds, $"{session:D}", video)}";
    }

    /// <summary>
    /// Checks a prefix as an edge does; expired only counts after <paramref name="leeway"/>, for clocks that differ.
    /// </summary>
    public TokenVerdict Verify(string? prefix, VideoId video, DateTimeOffset now, TimeSpan leeway)
    {
        var parts = (prefix ?? "").Split('/');
        if (
            parts
                is not ["", "s", { Length: > 0 and <= 12 } seconds, var session, { Length: SignatureLength } signature]
            || !Guid.TryParseExact(session, "D", out _)
            || !long.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out var expires)
        )
            return TokenVerdict.Forged;
        var expected = Encoding.ASCII.GetBytes(Sign(seconds, session, video));
        if (!CryptographicOperations.FixedTimeEquals(expected, Encoding.ASCII.GetBytes(signature)))
            return TokenVerdict.Forged;
        return expires < (now - leeway).ToUnixTimeSeconds() ? TokenVerdict.Expired : TokenVerdict.Valid;
    }

    /// <summary>The nginx directive that makes the same check. It holds the secret.</summary>
    public string NginxDirective() =>
        $"secure_link_md5 \"$secure_link_expires $st_session /media/$st_video {secret}\";\n";

    private string Sign(string seconds, string session, VideoId video)
    {
#pragma warning disable CA5351 // secure_link knows MD5 only; the class comment says why that is enough here.
        var hash = MD5.HashData(Encoding.ASCII.GetBytes($"{seconds} {session} /media/{video} {secret}"));
#pragma warning restore CA5351
        return Base64Url.EncodeToString(hash);
    }
}
