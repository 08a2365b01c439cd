using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using ZstdSharp;

namespace EventStream.Collect.Body;

/// <summary>The records of a body, or the answer that refuses it.</summary>
internal readonly record struct RecordBody(IReadOnlyList<string> Records, IResult? Refusal)
{
    /// <summary>Content codings that are read, as an answer 415 names them.</summary>
    public const string Codings = "gzip, deflate, br, zstd";

    /// <summary>
    /// Reads a body of one of <paramref name="types"/>: one record a line, or a JSON array where the type is
    /// <c>application/json</c>. The route bounds its bytes by <see cref="CollectOptions.BodyBytesMax"/>, counted after
    /// decompression; here its records are bounded by <paramref name="recordsMax"/>.
    /// </summary>
    public static async Task<RecordBody> ReadAsync(
        HttpContext http,
        CollectOptions options,
        IReadOnlyList<string> types,
        int recordsMax
    )
    {
        if (
            !MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var type)
            || !types.Contains(type.MediaType.ToString(), StringComparer.OrdinalIgnoreCase)
        )
        {
            return Refuse(
                415,
                $"'{http.Request.ContentType}' is not taken here",
                $"Send the records as one of {string.Join(", ", types)}."
            );
        }

        if (EncodingOf(type) is not { } encoding)
            return Refuse(415, $"The charset '{type.Charset}' is not taken here", "Send the records in UTF-8.");
        // The middleware removes the header where it decompresses; what is left is nothing that it knows.
        var coding = http.Request.Headers.ContentEncoding.ToString();
        if (coding.Length > 0 && !coding.Equals("identity", StringComparison.OrdinalIgnoreCase))
        {
            http.Response.Headers.AcceptEncoding = Codings;
            return Refuse(
                415,
                $"The content encoding '{coding}' is not taken here",
                $"Send the body as it is or in one of {Codings}."
            );
        }

        var (text, refusal) = await TextAsync(http, encoding, options.BodyBytesMax);
        if (text is null)
            return new RecordBody([], refusal);
        var records = Split(text, type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase));
        if (records.Count == 0)
            return Refuse(400, "The body is empty", "Send one record a line.");
        return records.Count <= recordsMax
            ? new RecordBody(records, null)
            : Refuse(413, "The body has too many records", $"Send at most {recordsMax}; split the batch.");
    }

    private static async Task<(string? Text, IResult? Refusal)> TextAsync(
        HttpContext http,
        Encoding encoding,
        int bytesMax
    )
    {
        try
        {
            using var reader = new StreamReader(http.Request.Body, encoding, leaveOpen: true);
            return (await reader.ReadToEndAsync(http.RequestAborted), null);
        }
        catch (BadHttpRequestException e)
        {
            return (
                null,
                e.StatusCode == StatusCodes.Status413PayloadTooLarge
                    ? Problem(
                        413,
                        "The body is too large",
                        $"Send at most {bytesMax} bytes after decompression; split the batch."
                    )
                    : Problem(e.StatusCode, "The body cannot be read", e.Message)
            );
        }
        catch (Exception e)
            when (e is IOException or InvalidDataException or InvalidOperationException or ZstdException)
        {
            return (
                null,
                Problem(
                    400,
                    "The body cannot be decompressed",
                    "It is cut off, or it is not in the content encoding that the request names."
                )
            );
        }
    }

    /// <summary>
    /// The lines; or of one JSON value the elements, as Vector and Fluent Bit send them in an array, or the value
    /// itself.
    /// </summary>
    private static IReadOnlyList<string> Split(string text, bool isJson)
    {
        if (isJson && TryParse(text) is { } values)
            return values;
        return text.Split(['\n', '\r'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    private static List<string>? TryParse(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Array
                ? [.. document.RootElement.EnumerateArray().Select(element => element.GetRawText())]
                : [document.RootElement.GetRawText()];
        }
        catch (JsonException)
        {
            // Lines of JSON are no single value.
            return null;
        }
    }

    private static Encoding? EncodingOf(MediaTypeHeaderValue type)
    {
        try
        {
            return type.Charset.HasValue ? Encoding.GetEncoding(type.Charset.ToString().Trim('"')) : Encoding.UTF8;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    private static RecordBody Refuse(int status, string title, string detail) =>
        new([], Problem(status, title, detail));

    private static IResult Problem(int status, string title, string detail) =>
        Results.Problem(statusCode: status, title: title, detail: detail);
}
