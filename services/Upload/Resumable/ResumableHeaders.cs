using System.Globalization;
using EventStream.Upload.Tus;
using EventStream.Upload.Uploads;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace EventStream.Upload.Resumable;

/// <summary>
/// Reads the headers of the IETF's draft of resumable uploads (draft-ietf-httpbis-resumable-upload), which are
/// structured fields (RFC 9651): one integer, boolean or byte sequence each. What is wrong is refused rather than
/// passed over: a client that sends it means something by it.
/// </summary>
internal static class ResumableHeaders
{
    public const string Version = "Upload-Draft-Interop-Version";
    public const string ChunkType = "application/partial-upload";
    public const string Complete = "Upload-Complete";
    public const string Length = "Upload-Length";
    public const string Limit = "Upload-Limit";
    public const string Offset = "Upload-Offset";
    private const string ReprDigest = "Repr-Digest";
    private const string ContentDigest = "Content-Digest";

    /// <summary>Interop versions whose requests mean the same to this server: drafts -04 and later.</summary>
    public static readonly IReadOnlyList<string> Versions = ["6", "7", "8"];

    /// <summary>Whether a request is made by the draft, and not by tus.</summary>
    public static bool IsDraft(HttpRequest request) => request.Headers.ContainsKey(Version);

    /// <summary>Throws <see cref="UploadProblemException"/> (400) for an interop version that is not spoken.</summary>
    public static void CheckVersion(HttpRequest request)
    {
        var sent = request.Headers[Version].ToString().Trim();
        if (!Versions.Contains(sent))
            throw Bad(
                "Another version of the draft",
                $"This server speaks the interop versions {string.Join(", ", Versions)}; {Version} was '{sent}'."
            );
    }

    /// <summary>
    /// Reads a creation and whether its body ends the file. Throws <see cref="UploadProblemException"/> (400).
    /// </summary>
    public static (TusCreation Creation, bool IsComplete) Creation(HttpRequest request)
    {
        var complete = IsComplete(request);
        var metadata = TusMetadata.Parse(request.Headers[TusHeaders.Metadata].ToString());
        if (ContentDispositionHeaderValue.TryParse(request.Headers.ContentDisposition.ToString(), out var disposition))
        {
            var name = disposition.FileNameStar.HasValue ? disposition.FileNameStar : disposition.FileName;
            metadata = metadata.Named(HeaderUtilities.RemoveQuotes(name).ToString());
        }

        if (DigestOf(request, ReprDigest) is { } digest)
            metadata = metadata with { Sha256 = Convert.ToHexStringLower(digest) };
        var creation = new TusCreation(LengthAfter(request, 0, complete), UploadRecord.Whole, [], metadata)
        {
            IdempotencyKey = IdempotencyKey.Of(request),
        };
        return (creation, complete);
    }

    /// <summary>
    /// Reads an append: where its bytes begin, the length of the file where the request says it, and whether its body
    /// ends the file. Throws <see cref="UploadProblemException"/> (400, 415).
    /// </summary>
    public static (long Offset, long? LengthBytes, bool IsComplete) Append(HttpRequest request)
    {
        if (
            !MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            || !type.MediaType.Equals(ChunkType, StringComparison.OrdinalIgnoreCase)
        )
            throw new UploadProblemException(
                StatusCodes.Status415UnsupportedMediaType,
                "The bytes have another type",
                $"Send Content-Type: {ChunkType}."
            );
        var (offset, complete) = (Number(request, Offset), IsComplete(request));
        return (offset, LengthAfter(request, offset, complete), complete);
    }

    /// <summary>The digest of a body, or null. Throws <see cref="UploadProblemException"/> (400).</summary>
    public static ChunkChecksum? Checksum(HttpRequest request) =>
        DigestOf(request, ContentDigest) is { } digest ? ChunkChecksum.OfSha256(digest) : null;

    /// <summary>The text of a boolean.</summary>
    public static string Text(bool value) => value ? "?1" : "?0";

    private static bool IsComplete(HttpRequest request) =>
        request.Headers[Complete].ToString().Trim() switch
        {
            "?1" => true,
            "?0" => false,
            var other => throw Bad(
                $"{Complete} is missing or wrong",
                $"Send ?1 where the body ends the file and ?0 where more follows; it was '{other}'."
            ),
        };

    private static long? LengthAfter(HttpRequest request, long offset, bool complete)
    {
        long? said = request.Headers.ContainsKey(Length) ? Number(request, Length) : null;
        if (complete && request.ContentLength is { } body)
        {
            if (said is { } length && length != offset + body)
                throw new UploadProblemException(
                    StatusCodes.Status400BadRequest,
                    "The lengths differ",
                    $"{Length} is {said}, and the body ends the file at {offset + body}."
                )
                {
                    Type = "https://iana.org/assignments/http-problem-types#inconsistent-upload-length",
                };
            return offset + body;
        }

        return said;
    }

    /// <summary>The SHA-256 of a digest field (RFC 9530), where it has one.</summary>
    private static byte[]? DigestOf(HttpRequest request, string header)
    {
        const string prefix = "sha-256=:";
        foreach (var member in request.Headers.GetCommaSeparatedValues(header))
        {
            if (!member.StartsWith(prefix, StringComparison.Ordinal))
                continue;
            var digest = new byte[64];
            var text = member[prefix.Length..].TrimEnd(':');
            return Convert.TryFromBase64String(text, digest, out var written) && written == 32
                ? digest[..written]
                : throw Bad($"{header} cannot be used", $"Send {prefix}BASE64: of the 32 bytes of a SHA-256.");
        }

        return null;
    }

    private static long Number(HttpRequest request, string header)
    {
        var text = request.Headers[header].ToString().Trim();
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw Bad($"{header} is missing or wrong", $"Send {header} as a whole number of bytes; it was '{text}'.");
    }

    private static UploadProblemException Bad(string title, string detail) =>
        new(StatusCodes.Status400BadRequest, title, detail);
}
