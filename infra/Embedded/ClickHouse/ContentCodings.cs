using System.IO.Compression;
using K4os.Compression.LZ4.Streams;
using Microsoft.AspNetCore.Http;

namespace EventStream.Embedded.ClickHouse;

/// <summary>The content codings of bodies and answers: zstd, br, lz4 (frames), gzip and deflate.</summary>
internal static class ContentCodings
{
    /// <summary>In the order in which an answer takes them where a client accepts several.</summary>
    private static readonly string[] Preferred = ["zstd", "br", "lz4", "gzip", "deflate"];

    /// <summary>
    /// The coding of the answer: asked for by <c>enable_http_compression</c> and offered by Accept-Encoding, or null.
    /// </summary>
    private static string? ForAnswer(HttpRequest request)
    {
        if (!IsOn(request.Query["enable_http_compression"].ToString()))
            return null;
        var offered = request.GetTypedHeaders().AcceptEncoding.Where(coding => coding.Quality != 0).ToList();
        return Preferred.FirstOrDefault(name =>
            offered.Exists(coding => coding.Value.Equals(name, StringComparison.OrdinalIgnoreCase))
        );
    }

    /// <summary>
    /// The bytes of a body without its coding. Throws <see cref="ClickHouseException"/> for a coding that is none.
    /// </summary>
    public static Stream Decoded(HttpRequest request) =>
        request.Headers.ContentEncoding.ToString().Trim().ToLowerInvariant() switch
        {
            "" or "identity" => request.Body,
            "gzip" or "x-gzip" => new GZipStream(request.Body, CompressionMode.Decompress),
            "deflate" => new ZLibStream(request.Body, CompressionMode.Decompress),
            "br" => new BrotliStream(request.Body, CompressionMode.Decompress),
            "zstd" => new ZstdSharp.DecompressionStream(request.Body),
            "lz4" => LZ4Stream.Decode(request.Body),
            var other => throw new ClickHouseException(
                ClickHouseError.NotImplemented,
                $"Unknown Content-Encoding '{other}'; use {string.Join(", ", Preferred)}."
            ),
        };

    /// <summary>The body of the answer, which encodes what is written to it, with the header that says so.</summary>
    public static Stream Encoded(HttpContext context)
    {
        var body = context.Response.Body;
        if (ForAnswer(context.Request) is not { } coding)
            return body;
        context.Response.Headers.ContentEncoding = coding;
        return coding switch
        {
            "zstd" => new ZstdSharp.CompressionStream(body, level: 1, leaveOpen: true),
            "br" => new BrotliStream(body, CompressionLevel.Fastest, leaveOpen: true),
            "lz4" => LZ4Stream.Encode(body, leaveOpen: true),
            "deflate" => new ZLibStream(body, CompressionLevel.Fastest, leaveOpen: true),
            _ => new GZipStream(body, CompressionLevel.Fastest, leaveOpen: true),
        };
    }

    /// <summary>Whether bytes that do not fit their coding made this exception.</summary>
    public static bool IsBroken(Exception e) =>
        e is InvalidDataException or ZstdSharp.ZstdException or EndOfStreamException
        // BrotliStream's own way to say it.
        || (e is InvalidOperationException && IsFrom(e, "System.IO.Compression"))
        || IsFrom(e, "K4os");

    private static bool IsFrom(Exception e, string assembly) =>
        e.Source?.StartsWith(assembly, StringComparison.Ordinal) == true;

    /// <summary>Whether a switch of the interface is on.</summary>
    public static bool IsOn(string value) => value is "1" || value.Equals("true", StringComparison.OrdinalIgnoreCase);
}
