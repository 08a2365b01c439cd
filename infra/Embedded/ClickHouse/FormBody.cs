using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// A multipart body, in which drivers send the statement and long parameters. External tables are refused.
/// </summary>
internal static class FormBody
{
    private const int PartsMax = 1000,
        PartBytesMax = 16 << 20;

    /// <summary>The parts by name, or null when the body is none. Throws <see cref="ClickHouseException"/>.</summary>
    public static async Task<IReadOnlyList<KeyValuePair<string, string>>?> ReadAsync(
        HttpRequest http,
        Stream body,
        EmbeddedOptions options,
        CancellationToken cancellation
    )
    {
        if (
            !MediaTypeHeaderValue.TryParse(http.ContentType, out var type)
            || !type.MediaType.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase)
        )
        {
            return null;
        }

        var boundary = HeaderUtilities.RemoveQuotes(type.Boundary).ToString();
        if (boundary.Length == 0)
            throw Wrong("The multipart body names no boundary.");
        var reader = new MultipartReader(boundary, body) { BodyLengthLimit = PartBytesMax };
        var parts = new List<KeyValuePair<string, string>>();
        long total = 0;
        while (await NextAsync(reader, cancellation) is { } section)
        {
            var disposition = section.GetContentDispositionHeader();
            var name = HeaderUtilities.RemoveQuotes(disposition?.Name ?? "").ToString();
            if (name.Length == 0)
                throw Wrong("A part of the multipart body has no name.");
            if (
                disposition!.FileName.HasValue
                && disposition.FileName.Length > 0
                && name != "query"
                && !name.StartsWith("param_", StringComparison.Ordinal)
            )
            {
                throw ClickHouseException.Of(
                    ClickHouseException.NotImplemented,
                    "NOT_IMPLEMENTED",
                    $"The embedded engine takes no external table ('{name}'); insert it into a temporary table."
                );
            }

            using var text = new StreamReader(section.Body, Encoding.UTF8);
            var value = await text.ReadToEndAsync(cancellation);
            total += value.Length;
            if (parts.Count >= PartsMax || total > options.BodyBytesMax)
            {
                throw ClickHouseException.Of(
                    ClickHouseException.TooManyBytes,
                    "TOO_MANY_ROWS_OR_BYTES",
                    $"The multipart body has more than {PartsMax} parts or {options.BodyBytesMax} bytes."
                );
            }

            parts.Add(KeyValuePair.Create(name, value));
        }

        return parts;
    }

    private static async Task<MultipartSection?> NextAsync(MultipartReader reader, CancellationToken cancellation)
    {
        try
        {
            return await reader.ReadNextSectionAsync(cancellation);
        }
        catch (IOException e) when (e is not BadHttpRequestException)
        {
            throw Wrong($"The multipart body cannot be read: {e.Message}");
        }
    }

    private static ClickHouseException Wrong(string sentence) =>
        ClickHouseException.Of(ClickHouseException.BadArguments, "BAD_ARGUMENTS", sentence);
}
