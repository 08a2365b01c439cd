using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using EventStream.Contracts;
using EventStream.Upload.Uploads;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace EventStream.Upload.Tus;

/// <summary>
/// What the creation of an upload asks for: the length in bytes, null where it is given later; the kind of
/// <see cref="UploadRecord"/>, and the parts of a final one.
/// </summary>
internal sealed record TusCreation(long? LengthBytes, string Kind, IReadOnlyList<VideoId> Parts, TusMetadata Metadata)
{
    /// <summary>The key under which the same creation may be sent again; null where it has none.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>The address that the platform fetches the file from; null where the client sends it.</summary>
    public string? PulledFrom { get; init; }

    /// <summary>Equal for equal creations: a SHA-256 in lower-case hex.</summary>
    public string Hash() =>
        Convert.ToHexStringLower(
            SHA256.HashData(
                Encoding.UTF8.GetBytes(
                    $"{Kind}\n{LengthBytes}\n{string.Join(' ', Parts)}\n{Metadata.Header}\n{PulledFrom}"
                )
            )
        );
}

/// <summary>
/// Reads the headers of tus. A header that a request of its kind does not have is refused rather than passed over: a
/// client that sends one means something by it.
/// </summary>
internal static class TusHeaders
{
    public const string ChunkType = "application/offset+octet-stream";
    public const string Concat = "Upload-Concat";
    public const string DeferLength = "Upload-Defer-Length";
    public const string Length = "Upload-Length";
    public const string Metadata = "Upload-Metadata";
    public const string Offset = "Upload-Offset";
    private const string Checksum = "Upload-Checksum";
    private const string FinalPrefix = "final;";

    private static readonly string[] OfCreation = [Length, DeferLength, Concat, Metadata, Checksum];
    private static readonly string[] OfChunk = [Offset, Length, Concat, Checksum];

    /// <summary>Reads a creation. Throws <see cref="UploadProblemException"/> (400, 415, 501).</summary>
    public static TusCreation Creation(HttpRequest request)
    {
        Known(request, OfCreation);
        if (!IsChunk(request) && request.ContentLength > 0)
            throw WrongType();
        var metadata = TusMetadata.Parse(request.Headers[Metadata].ToString());
        var key = IdempotencyKey.Of(request);
        var concat = request.Headers[Concat].ToString();
        if (concat.StartsWith(FinalPrefix, StringComparison.Ordinal))
            return Final(request, concat, metadata) with { IdempotencyKey = key };
        if (concat.Length > 0 && concat != UploadRecord.Partial)
            throw Bad($"{Concat} cannot be used", $"It is 'partial', or 'final;' and the parts; it was '{concat}'.");
        return new TusCreation(
            Announced(request),
            concat.Length > 0 ? UploadRecord.Partial : UploadRecord.Whole,
            [],
            metadata
        )
        {
            IdempotencyKey = key,
        };
    }

    /// <summary>
    /// Checks the headers of a chunk of an upload and returns its offset and, where it has one, the length. Clients
    /// say of each chunk of a part that it is one. Throws <see cref="UploadProblemException"/> (400, 403, 415, 501).
    /// </summary>
    public static (long Offset, long? LengthBytes) Chunk(HttpRequest request, UploadRecord upload)
    {
        Known(request, OfChunk);
        if (!IsChunk(request))
            throw WrongType();
        if (upload.Kind == UploadRecord.Final)
            throw new UploadProblemException(
                StatusCodes.Status403Forbidden,
                "A final upload takes no bytes",
                "Its bytes are those of its parts."
            );
        if (request.Headers.TryGetValue(Concat, out var kind) && !(upload.IsPartial && kind == UploadRecord.Partial))
            throw Bad($"{Concat} cannot be used", $"The upload was created as another kind than '{kind}'.");
        return (Number(request, Offset), request.Headers.ContainsKey(Length) ? Number(request, Length) : null);
    }

    /// <summary>Whether the body is a chunk of an upload.</summary>
    public static bool IsChunk(HttpRequest request) =>
        MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
        && type.MediaType.Equals(ChunkType, StringComparison.OrdinalIgnoreCase);

    /// <summary>The header of a final upload.</summary>
    public static string FinalOf(IEnumerable<VideoId> parts) =>
        FinalPrefix + string.Join(' ', parts.Select(part => $"/v1/uploads/{part}"));

    private static long? Announced(HttpRequest request)
    {
        if (!request.Headers.TryGetValue(DeferLength, out var deferred))
            return Number(request, Length);
        var text = deferred.ToString();
        if (text != "1")
            throw Bad($"{DeferLength} cannot be used", $"Its one value is 1; it was '{text}'.");
        return request.Headers.ContainsKey(Length)
            ? throw Bad("The length is given twice", $"Send {Length} or {DeferLength}, not both.")
            : null;
    }

    private static TusCreation Final(HttpRequest request, string concat, TusMetadata metadata)
    {
        if (request.Headers.ContainsKey(Length) || request.Headers.ContainsKey(DeferLength))
            throw Bad($"{Length} cannot be used", "A final upload is as long as its parts; send it without a length.");
        if (request.ContentLength > 0)
            throw Bad("A final upload has no body", "Its bytes are those of its parts; send it without a body.");
        var urls = concat[FinalPrefix.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var parts = urls.Select(PartOf).ToList();
        if (parts.Count == 0)
            throw Bad($"{Concat} cannot be used", "It names no part after 'final;'.");
        return parts.Distinct().Count() == parts.Count
            ? new TusCreation(null, UploadRecord.Final, parts, metadata)
            : throw Bad($"{Concat} cannot be used", "It names a part twice.");
    }

    /// <summary>The part behind an address, absolute or not: its last segment is the id.</summary>
    private static VideoId PartOf(string url)
    {
        var path = url.Split('?', 2)[0].TrimEnd('/');
        return VideoId.TryParse(path[(path.LastIndexOf('/') + 1)..], null, out var id)
            ? id
            : throw Bad($"{Concat} cannot be used", $"'{url}' is not the Location of a partial upload.");
    }

    private static void Known(HttpRequest request, string[] known)
    {
        foreach (var (name, _) in request.Headers)
        {
            if (
                name.StartsWith("Upload-", StringComparison.OrdinalIgnoreCase)
                && !known.Contains(name, StringComparer.OrdinalIgnoreCase)
            )
                throw NotOffered(request, name);
        }

        if (request.Headers[HeaderNames.Trailer].ToString().Contains(Checksum, StringComparison.OrdinalIgnoreCase))
            throw NotOffered(request, $"{Checksum} as a trailer");
        var encoding = request.Headers.ContentEncoding.ToString();
        if (encoding.Length > 0 && !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase))
            throw new UploadProblemException(
                StatusCodes.Status415UnsupportedMediaType,
                "The chunk is encoded",
                $"The bytes of the file are taken as they are; send them without Content-Encoding '{encoding}'."
            );
    }

    private static UploadProblemException NotOffered(HttpRequest request, string header) =>
        new(
            StatusCodes.Status501NotImplemented,
            $"{header} is not offered",
            $"{request.Method} does not take it. OPTIONS /v1/uploads lists the extensions of tus that are offered."
        );

    private static UploadProblemException WrongType() =>
        new(
            StatusCodes.Status415UnsupportedMediaType,
            "The chunk has another type",
            $"Send Content-Type: {ChunkType}."
        );

    private static long Number(HttpRequest request, string header)
    {
        var text = request.Headers[header].ToString();
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw Bad($"{header} is missing or wrong", $"Send {header} as a whole number of bytes; it was '{text}'.");
    }

    private static UploadProblemException Bad(string title, string detail) =>
        new(StatusCodes.Status400BadRequest, title, detail);
}
