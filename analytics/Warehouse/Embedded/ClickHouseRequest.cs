using System.IO.Compression;
using System.Text;
using EventStream.Warehouse.Sql;
using Microsoft.AspNetCore.Http;

namespace EventStream.Warehouse.Embedded;

/// <summary>
/// One request to the HTTP interface, read and checked: the statement, its parameters and settings, and the rows of
/// an INSERT in memory. GET may only read, as on a server.
/// </summary>
internal sealed class ClickHouseRequest : IDisposable
{
    /// <summary>Longest statement without its rows, in bytes.</summary>
    public const int SqlBytesMax = 1 << 20;

    private const int CopyBytes = 64 * 1024;

    private ClickHouseRequest(HttpRequest request, ClickHouseUser user)
    {
        User = user.ReadOnly || !HttpMethods.IsGet(request.Method) ? user : user with { ReadOnly = true };
        var query = request.Query;
        QueryId = Checked(query["query_id"].ToString(), "query_id") ?? Guid.NewGuid().ToString("D");
        SessionId = Checked(query["session_id"].ToString(), "session_id");
        SessionTimeout = TimeSpan.FromSeconds(
            int.TryParse(query["session_timeout"], out var seconds) ? Math.Clamp(seconds, 1, 3600) : 60);
        SessionMustExist = query["session_check"] == "1";
        Database = First(query["database"].ToString(), request.Headers["X-ClickHouse-Database"].ToString());
        Format = First(request.Headers["X-ClickHouse-Format"].ToString(), query["default_format"].ToString())
            ?? "TabSeparated";
        Compress = query["enable_http_compression"] == "1"
            && request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase);
        var pairs = query.Select(pair => KeyValuePair.Create(pair.Key, pair.Value.ToString())).ToList();
        Settings = pairs.Where(pair => ClickHouseSettings.IsSetting(pair.Key)).ToList();
        Parameters = pairs.Where(pair => pair.Key.StartsWith("param_", StringComparison.Ordinal))
            .Select(pair => KeyValuePair.Create(pair.Key["param_".Length..], pair.Value)).ToList();
    }

    public ClickHouseUser User { get; }
    public string QueryId { get; }
    public string? SessionId { get; }
    public TimeSpan SessionTimeout { get; }
    public bool SessionMustExist { get; }
    public string? Database { get; }
    public string Format { get; }
    public bool Compress { get; }
    public IReadOnlyList<KeyValuePair<string, string>> Settings { get; }
    public IReadOnlyList<KeyValuePair<string, string>> Parameters { get; }
    public SqlStatement Statement { get; private set; } = null!;

    /// <summary>The rows of an INSERT, or null.</summary>
    public MemoryFile? Rows { get; private set; }

    /// <summary>The format of the result: the one that the statement names, else the request's.</summary>
    public string ResultFormat =>
        Statement.Kind == SqlKind.InsertData ? Format : Statement.Format ?? Format;

    /// <summary>
    /// Reads a request. Throws <see cref="ClickHouseException"/> and <see cref="SqlTextException"/> for what it
    /// cannot take.
    /// </summary>
    public static async Task<ClickHouseRequest> ReadAsync(
        HttpRequest http, ClickHouseUser user, EmbeddedOptions options, CancellationToken cancellation)
    {
        if (http.Query["compress"] == "1" || http.Query["decompress"] == "1")
            throw Unsupported("ClickHouse block compression; use gzip (Accept-Encoding, Content-Encoding)");
        if (http.ContentType?.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase) == true)
            throw Unsupported("a multipart body; send parameters in the URL");
        var request = new ClickHouseRequest(http, user);
        try
        {
            await request.ReadStatementAsync(http, options, cancellation);
            request.Check();
            return request;
        }
        catch
        {
            request.Dispose();
            throw;
        }
    }

    public void Dispose() => Rows?.Dispose();

    private async Task ReadStatementAsync(HttpRequest http, EmbeddedOptions options, CancellationToken cancellation)
    {
        await using var body = Decompressed(http);
        var fromUrl = http.Query["query"].ToString();
        var text = Encoding.UTF8.GetBytes(fromUrl);
        if (text.Length > 0 && SqlStatement.Parse(text) is { Kind: SqlKind.InsertData } insert)
        {
            await TakeRowsAsync(insert, text, body, options, cancellation);
            return;
        }

        var buffer = new byte[SqlBytesMax];
        var length = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation);
        byte[] whole = text.Length == 0 ? buffer[..length]
            : length == 0 ? text
            : [.. text, (byte)'\n', .. buffer[..length]];
        Statement = SqlStatement.Parse(whole);
        if (Statement.Kind == SqlKind.InsertData)
            await TakeRowsAsync(Statement, whole, body, options, cancellation);
        else if (length == SqlBytesMax)
            throw TooLarge($"The statement is longer than {SqlBytesMax} bytes");
    }

    private async Task TakeRowsAsync(
        SqlStatement insert, byte[] head, Stream body, EmbeddedOptions options, CancellationToken cancellation)
    {
        Statement = insert;
        Rows = new MemoryFile();
        await Rows.Stream.WriteAsync(head.AsMemory(Math.Min(insert.DataStart, head.Length)), cancellation);
        var buffer = new byte[CopyBytes];
        for (int read; (read = await body.ReadAsync(buffer, cancellation)) > 0;)
        {
            if (Rows.Stream.Length + read > options.BodyBytesMax)
                throw TooLarge($"The rows are more than {options.BodyBytesMax} bytes (ClickHouse:BodyBytesMax)");
            await Rows.Stream.WriteAsync(buffer.AsMemory(0, read), cancellation);
        }
    }

    private void Check()
    {
        if (!User.ReadOnly) return;
        if (ReaderRules.Refusal(Statement, Parameters) is not { } refusal) return;
        var writes = Statement.Kind is SqlKind.InsertData or SqlKind.Command;
        throw writes
            ? ClickHouseException.Of(ClickHouseException.Readonly, "READONLY", refusal)
            : ClickHouseException.Of(ClickHouseException.AccessDenied, "ACCESS_DENIED", refusal);
    }

    private static Stream Decompressed(HttpRequest http) =>
        http.Headers.ContentEncoding.ToString().ToLowerInvariant() switch
        {
            "" or "identity" => http.Body,
            "gzip" => new GZipStream(http.Body, CompressionMode.Decompress),
            "deflate" => new ZLibStream(http.Body, CompressionMode.Decompress),
            "br" => new BrotliStream(http.Body, CompressionMode.Decompress),
            var other => throw Unsupported($"Content-Encoding '{other}'; use gzip, deflate or br"),
        };

    private static string? First(params ReadOnlySpan<string> candidates)
    {
        foreach (var candidate in candidates)
        {
            if (candidate.Length > 0) return candidate;
        }

        return null;
    }

    private static string? Checked(string value, string name)
    {
        if (value.Length == 0) return null;
        if (value.Length <= 200 && value.All(c => c is > ' ' and < (char)127)) return value;
        throw ClickHouseException.Of(
            ClickHouseException.BadArguments, "BAD_ARGUMENTS",
            $"{name} must be at most 200 printable ASCII characters.");
    }

    private static ClickHouseException Unsupported(string what) => ClickHouseException.Of(
        ClickHouseException.NotImplemented, "NOT_IMPLEMENTED", $"The embedded engine does not take {what}.");

    private static ClickHouseException TooLarge(string what) => ClickHouseException.Of(
        ClickHouseException.TooManyBytes, "TOO_MANY_ROWS_OR_BYTES", $"{what}; send it in smaller parts.");
}
