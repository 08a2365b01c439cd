using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Net.Http.Headers;
using ZstdSharp;

namespace EventStream.Collect.Body;

/// <summary>The records of a body, or the answer that refuses it.</summary>
internal readonly record struct RecordBody(IReadOnlyList<string> Records, IResult? Refusal)
{
    /// <summary>Content codings that are read, as an answer 415 names them.</summary>
    public const string Codings = "gzip, deflate, br, zstd";

    private const int ReadBytes = 16 * 1024;

    /// <summary>
    /// Reads a body of one of <paramref name="types"/>: one record a line, or a JSON array where the type is
    /// <c>application/json</c>. Bounded by <see cref="CollectOptions.BodyBytesMax"/>, counted after decompression, and
    /// by <paramref name="recordsMax"/>.
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

        var (body, refusal) = await BytesAsync(http, options.BodyBytesMax);
        if (body is null)
            return new RecordBody([], refusal);
        using (body)
        {
            var records = Split(body, encoding, type);
            if (records.Count == 0)
                return Refuse(400, "The body is empty", "Send one record a line.");
            return records.Count <= recordsMax
                ? new RecordBody(records, null)
                : Refuse(413, "The body has too many records", $"Send at most {recordsMax}; split the batch.");
        }
    }

    /// <summary>
    /// Lets a body through to <see cref="ReadAsync"/>, whose bound is a little lower and has an answer.
    /// </summary>
    public static IRequestSizeLimitMetadata Limit(CollectOptions options) =>
        new SizeLimit(options.BodyBytesMax + (2 * ReadBytes));

    private static async Task<(MemoryStream? Body, IResult? Refusal)> BytesAsync(HttpContext http, int bytesMax)
    {
        var body = new MemoryStream();
        try
        {
            var buffer = new byte[ReadBytes];
            int count;
            while ((count = await http.Request.Body.ReadAsync(buffer, http.RequestAborted)) > 0)
            {
                if (body.Length + count > bytesMax)
                    return (null, TooLarge(bytesMax));
                body.Write(buffer, 0, count);
            }

            body.Position = 0;
            return (body, null);
        }
        catch (BadHttpRequestException e)
        {
            return (
                null,
                e.StatusCode == StatusCodes.Status413PayloadTooLarge
                    ? TooLarge(bytesMax)
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

    private static List<string> Split(MemoryStream body, Encoding encoding, MediaTypeHeaderValue type)
    {
        if (
            type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            && JsonRecords.TryRead(body, encoding) is { } values
        )
            return values;
        body.Position = 0;
        using var reader = new StreamReader(body, encoding, leaveOpen: true);
        var lines = new List<string>();
        while (reader.ReadLine() is { } line)
        {
            if (line.AsSpan().Trim().Length > 0)
                lines.Add(line.Trim());
        }

        return lines;
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

    private static IResult TooLarge(int bytesMax) =>
        Problem(413, "The body is too large", $"Send at most {bytesMax} bytes after decompression; split the batch.");

    private static RecordBody Refuse(int status, string title, string detail) =>
        new([], Problem(status, title, detail));

    private static IResult Problem(int status, string title, string detail) =>
        Results.Problem(statusCode: status, title: title, detail: detail);

    private sealed record SizeLimit(long? MaxRequestBodySize) : IRequestSizeLimitMetadata;
}
