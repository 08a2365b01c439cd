using System.Text;
using EventStream.Embedded.ClickHouse.Sql;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// One request to the HTTP interface, read and checked: the statement, its parameters and settings, and the rows of
/// an INSERT in memory. GET may only read, as on a server.
/// </summary>
internal sealed class ClickHouseRequest : IDisposable
{
    /// <summary>Longest statement without its rows, in bytes.</summary>
    public const int SqlBytesMax = 1 << 20;

    /// <summary>Rows that come as VALUES, in bytes.</summary>
    private const int ValuesBytesMax = 16 << 20;

    private const int CopyBytes = 64 * 1024;

    private ClickHouseRequest(HttpRequest request, ClickHouseUser user)
    {
        User = user.ReadOnly || !HttpMethods.IsGet(request.Method) ? user : user with { ReadOnly = true };
        ReadOnlyLevel = User.ReadOnly ? 2 : 0;
        var query = request.Query;
        QueryId = Checked(query["query_id"].ToString(), "query_id") ?? Guid.NewGuid().ToString("D");
        SessionId = Checked(query["session_id"].ToString(), "session_id");
        SessionTimeout = TimeSpan.FromSeconds(
            int.TryParse(query["session_timeout"], out var seconds) ? Math.Clamp(seconds, 1, 3600) : 60
        );
        SessionMustExist = query["session_check"] == "1";
        Database = First(query["database"], request.Headers["X-ClickHouse-Database"]);
        Format = First(request.Headers["X-ClickHouse-Format"], query["default_format"], "TabSeparated")!;
        UserAgent = request.Headers.UserAgent.ToString();
        foreach (var (name, value) in query)
            Take(name, value.ToString());
    }

    public ClickHouseUser User { get; }
    public string QueryId { get; }
    public string? SessionId { get; }
    public TimeSpan SessionTimeout { get; }
    public bool SessionMustExist { get; }
    public string? Database { get; }
    public string Format { get; }
    public string UserAgent { get; }

    /// <summary>Whether the answer begins only when the statement has ended.</summary>
    public bool WaitEnd { get; private set; }

    /// <summary>1 forbids changes of settings too, 2 allows those that tighten a bound; 0 for a writer.</summary>
    public int ReadOnlyLevel { get; private set; }

    public List<KeyValuePair<string, string>> Settings { get; } = [];
    public List<KeyValuePair<string, string>> Parameters { get; } = [];

    /// <summary>The statement as it came, without the rows of an INSERT.</summary>
    public string LogText { get; private set; } = "";

    public SqlStatement Statement { get; private set; } = null!;

    /// <summary>The rows of an INSERT, or null.</summary>
    public MemoryFile? Rows { get; private set; }

    /// <summary>
    /// Expressions among VALUES, which the engine would evaluate while it reads the rows; null where all are literals.
    /// </summary>
    public string? Expressions { get; private set; }

    /// <summary>
    /// Reads a request. Throws <see cref="ClickHouseException"/> and <see cref="SqlTextException"/> for what it
    /// cannot take.
    /// </summary>
    public static async Task<ClickHouseRequest> ReadAsync(
        HttpRequest http,
        ClickHouseUser user,
        EmbeddedOptions options,
        CancellationToken cancellation
    )
    {
        if (http.Query["compress"] == "1" || http.Query["decompress"] == "1")
            throw Unsupported("ClickHouse block compression; use Accept-Encoding and Content-Encoding");
        var request = new ClickHouseRequest(http, user);
        try
        {
            await request.ReadStatementAsync(http, options, cancellation);
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
        await using var body = ContentCodings.Decoded(http);
        http.Body = body;
        var text = Encoding.UTF8.GetBytes(http.Query["query"].ToString());
        // A form is read to its end, so that nothing is left of the body.
        if (await FormBody.ReadAsync(http, options, cancellation) is { } form)
        {
            foreach (var (name, value) in form)
                Take(name, value.ToString());
            if (text.Length == 0)
                text = Encoding.UTF8.GetBytes(form["query"].ToString());
        }

        if (text.Length > 0 && SqlStatement.Parse(text) is { Kind: SqlKind.InsertData } insert)
        {
            await TakeRowsAsync(insert, text, body, options, cancellation);
            return;
        }

        var buffer = new byte[SqlBytesMax];
        var length = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation);
        byte[] whole =
            text.Length == 0 ? buffer[..length]
            : length == 0 ? text
            : [.. text, (byte)'\n', .. buffer[..length]];
        Statement = SqlStatement.Parse(whole);
        LogText = Encoding.UTF8.GetString(whole);
        if (Statement.Kind == SqlKind.InsertData)
            await TakeRowsAsync(Statement, whole, body, options, cancellation);
        else if (length == SqlBytesMax)
            throw TooLarge($"The statement is longer than {SqlBytesMax} bytes");
    }

    private async Task TakeRowsAsync(
        SqlStatement insert,
        byte[] head,
        Stream body,
        EmbeddedOptions options,
        CancellationToken cancellation
    )
    {
        Statement = insert;
        LogText =
            Encoding.UTF8.GetString(head.AsSpan(0, Math.Min(insert.DataStart, head.Length)))
            + (insert.DataStart < head.Length ? "" : "\n");
        Rows = new MemoryFile();
        await Rows.Stream.WriteAsync(head.AsMemory(Math.Min(insert.DataStart, head.Length)), cancellation);
        var buffer = new byte[CopyBytes];
        for (int read; (read = await body.ReadAsync(buffer, cancellation)) > 0; )
        {
            if (Rows.Stream.Length + read > options.BodyBytesMax)
                throw TooLarge($"The rows are more than {options.BodyBytesMax} bytes (ClickHouse:BodyBytesMax)");
            await Rows.Stream.WriteAsync(buffer.AsMemory(0, read), cancellation);
        }

        if (insert.Format!.Equals("Values", StringComparison.OrdinalIgnoreCase))
            FindExpressions(Rows);
    }

    /// <summary>The engine evaluates VALUES, so what is no literal has to pass the rules like a statement.</summary>
    private void FindExpressions(MemoryFile rows)
    {
        if (rows.Stream.Length > ValuesBytesMax)
            throw TooLarge($"VALUES are more than {ValuesBytesMax} bytes; use another format");
        var bytes = rows.ReadAll();
        var tokens = SqlScanner.Scan(bytes).ToList();
        if (tokens.FindIndex(token => token.IsSymbol(';')) is var end and >= 0)
        {
            if (end < tokens.Count - 1)
                throw new SqlTextException("Syntax error (Multi-statements are not allowed): more follows VALUES.");
            bytes = bytes[..tokens[end].Start];
            tokens.RemoveAt(end);
        }

        if (
            tokens.Exists(token =>
                token.Kind == SqlTokenKind.QuotedIdentifier
                || (token.Kind == SqlTokenKind.Word && !IsLiteral(token.Text))
            )
        )
        {
            Expressions = Encoding.UTF8.GetString(bytes);
        }
    }

    private static bool IsLiteral(string word) =>
        char.IsAsciiDigit(word[0]) || word.ToUpperInvariant() is "NULL" or "TRUE" or "FALSE" or "INF" or "NAN";

    private void Take(string name, string value)
    {
        if (name.StartsWith("param_", StringComparison.Ordinal))
            Parameters.Add(KeyValuePair.Create(name["param_".Length..], value));
        else if (ClickHouseSettings.IsSetting(name))
            Settings.Add(KeyValuePair.Create(name, value));
        else if (name == "wait_end_of_query")
            WaitEnd = ContentCodings.IsOn(value);
        else if (name == "readonly")
            ReadOnlyLevel = Level(value);
    }

    /// <summary>A request may ask for less than its user may do, never for more.</summary>
    private int Level(string asked) =>
        asked switch
        {
            "1" => 1,
            "2" => 2,
            "0" when !User.ReadOnly => 0,
            _ => throw new ClickHouseException(
                ClickHouseError.Readonly,
                "Cannot modify 'readonly' setting in readonly mode."
            ),
        };

    private static string? First(params StringValues[] candidates) =>
        candidates.Select(candidate => candidate.ToString()).FirstOrDefault(text => text.Length > 0);

    private static string? Checked(string value, string name)
    {
        if (value.Length == 0)
            return null;
        if (value.Length <= 200 && value.All(c => c is > ' ' and < (char)127))
            return value;
        throw new ClickHouseException(
            ClickHouseError.BadArguments,
            $"{name} must be at most 200 printable ASCII characters."
        );
    }

    private static ClickHouseException Unsupported(string what) =>
        new ClickHouseException(ClickHouseError.NotImplemented, $"The embedded engine does not take {what}.");

    private static ClickHouseException TooLarge(string what) =>
        new ClickHouseException(ClickHouseError.TooManyRowsOrBytes, $"{what}; send it in smaller parts.");
}
