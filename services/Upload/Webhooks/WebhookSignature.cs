using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace EventStream.Upload.Webhooks;

/// <summary>
/// The signature of Standard Webhooks 1.0: HMAC-SHA256 over id, time and payload, so that a receiver knows who calls
/// and that neither is old or changed.
/// </summary>
public static class WebhookSignature
{
    public const string IdHeader = "webhook-id";
    public const string TimestampHeader = "webhook-timestamp";
    public const string SignatureHeader = "webhook-signature";
    private const string SecretPrefix = "whsec_";
    private const int SecretBytes = 32;

    /// <summary>A new secret, as a receiver's library takes it.</summary>
    public static string NewSecret() =>
        SecretPrefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>
    /// The value of the header. Throws <see cref="FormatException"/> for what is no secret of <see cref="NewSecret"/>.
    /// </summary>
    public static string Of(string secret, string id, DateTimeOffset at, string payload)
    {
        if (!secret.StartsWith(SecretPrefix, StringComparison.Ordinal))
            throw new FormatException("The secret of a webhook cannot be read.");
        var key = Convert.FromBase64String(secret[SecretPrefix.Length..]);
        var signed = Encoding.UTF8.GetBytes($"{id}.{Seconds(at)}.{payload}");
        return "v1," + Convert.ToBase64String(HMACSHA256.HashData(key, signed));
    }

    /// <summary>A time as the header has it: seconds since 1970.</summary>
    public static string Seconds(DateTimeOffset at) => at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
}
