using Microsoft.AspNetCore.Http;

namespace EventStream.Upload;

/// <summary>
/// The header <c>Idempotency-Key</c> (draft-ietf-httpapi-idempotency-key-header): a client that does not know whether
/// its POST arrived sends it again under the same key, and nothing is made twice. A key belongs to one publisher.
/// </summary>
internal static class IdempotencyKey
{
    public const string Header = "Idempotency-Key";

    public const string HeaderText =
        "A text of the client's choice, such as a UUID: the same request sent again with it makes nothing twice.";

    /// <summary>Longest key, in characters.</summary>
    public const int LengthMax = 255;

    /// <summary>
    /// The key of a request, with or without the quotes of the draft; null where there is none. Throws
    /// <see cref="UploadProblemException"/> (400).
    /// </summary>
    public static string? Of(HttpRequest request)
    {
        if (!request.Headers.TryGetValue(Header, out var sent))
            return null;
        var text = sent.ToString().Trim();
        var key = text.Length >= 2 && text[0] == '"' && text[^1] == '"' ? text[1..^1] : text;
        return key.Length is > 0 and <= LengthMax && key.All(c => c is >= ' ' and <= '~' and not ('"' or '\\' or ','))
            ? key
            : throw new UploadProblemException(
                StatusCodes.Status400BadRequest,
                $"{Header} cannot be used",
                $"Send one key of 1 to {LengthMax} visible ASCII characters, such as a UUID; it was '{text}'."
            );
    }

    /// <summary>The answer to another request under a key that was used before.</summary>
    public static UploadProblemException UsedOtherwise(string key) =>
        new(
            StatusCodes.Status422UnprocessableEntity,
            $"{Header} was used for another request",
            $"'{key}' belongs to a request that asked for something else. Draw a new key for a new request."
        );
}
