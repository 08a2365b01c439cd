using System.Text;

namespace EventStream.Embedded.ClickHouse.Sql;

/// <summary>What a statement does, as far as the HTTP interface has to know.</summary>
public enum SqlKind
{
    /// <summary>SELECT in any of its spellings, SHOW, DESCRIBE, EXISTS and EXPLAIN: only reads.</summary>
    Read,

    /// <summary>INSERT whose rows follow the statement as data.</summary>
    InsertData,

    /// <summary>Anything else: definition, INSERT ... SELECT, SET, USE, KILL.</summary>
    Command,
}

/// <summary>
/// One statement taken apart. <c>Text</c> is the statement without trailing semicolon and, for
/// <see cref="SqlKind.InsertData"/>, without <c>FORMAT x</c> or <c>VALUES</c>; <c>Format</c> is that of its rows;
/// <c>DataStart</c> is the byte at which rows begin.
/// </summary>
public sealed record SqlStatement(
    SqlKind Kind,
    string Text,
    string? Format,
    int DataStart,
    IReadOnlyList<SqlToken> Tokens
)
{
    private static readonly string[] Reads =
    [
        "SELECT",
        "WITH",
        "FROM",
        "SHOW",
        "DESCRIBE",
        "DESC",
        "EXISTS",
        "EXPLAIN",
    ];

    /// <summary>
    /// Reads one statement. Throws <see cref="SqlTextException"/> when there is none or more than one.
    /// </summary>
    public static SqlStatement Parse(ReadOnlyMemory<byte> sql)
    {
        var tokens = new List<SqlToken>();
        var end = 0;
        var ended = false;
        foreach (var token in SqlScanner.Scan(sql))
        {
            if (!token.IsSymbol(';'))
            {
                if (ended)
                    throw new SqlTextException(
                        $"Syntax error (Multi-statements are not allowed): failed at position {token.Start + 1}; send "
                            + "one statement a request."
                    );
                if (DataBegins(tokens, token))
                    return Insert(sql, tokens, token);
                end = token.End;
            }

            ended |= token.IsSymbol(';') && end > 0;
            tokens.Add(token);
        }

        if (end == 0)
            throw new SqlTextException("Empty query.");
        return Whole(sql[..end], tokens);
    }

    private static SqlStatement Whole(ReadOnlyMemory<byte> sql, List<SqlToken> tokens)
    {
        var text = Encoding.UTF8.GetString(sql.Span);
        var first = tokens.FirstOrDefault(token => !token.IsSymbol('('));
        if (first.Is("INSERT") && !HasSelect(tokens))
            return new(SqlKind.InsertData, text, "Values", sql.Length, tokens);
        return new(Reads.Any(first.Is) ? SqlKind.Read : SqlKind.Command, text, null, sql.Length, tokens);
    }

    /// <summary>
    /// In an INSERT, the first VALUES or FORMAT outside brackets and after the table's name, unless it is a SELECT.
    /// </summary>
    private static bool DataBegins(List<SqlToken> tokens, SqlToken token) =>
        token.Depth == 0
        && (token.Is("VALUES") || token.Is("FORMAT"))
        && tokens.Count >= 3
        && tokens[0].Is("INSERT")
        && tokens[1].Is("INTO")
        && !HasSelect(tokens);

    /// <summary>
    /// Whether an INSERT takes its rows from a SELECT; a column in brackets may be named like a keyword.
    /// </summary>
    private static bool HasSelect(List<SqlToken> words)
    {
        for (var i = 1; i < words.Count; i++)
        {
            var opens = words[i].Depth == 0 || words[i - 1].IsSymbol('(');
            if (opens && (words[i].Is("SELECT") || words[i].Is("WITH")))
                return true;
        }

        return false;
    }

    private static SqlStatement Insert(ReadOnlyMemory<byte> sql, List<SqlToken> tokens, SqlToken marker)
    {
        var text = Encoding.UTF8.GetString(sql.Span[..marker.Start]).TrimEnd();
        if (marker.Is("VALUES"))
            return new(SqlKind.InsertData, text, "Values", marker.End, tokens);
        var format = SqlScanner.Scan(sql[marker.End..]).FirstOrDefault();
        if (format.Kind != SqlTokenKind.Word)
            throw new SqlTextException("FORMAT in INSERT names no format.");
        var start = marker.End + format.End;
        // One line break, or the blanks before it, part the statement from data; binary data begins right after.
        while (start < sql.Length && sql.Span[start] is (byte)' ' or (byte)'\t' or (byte)'\r')
            start++;
        if (start < sql.Length && sql.Span[start] == '\n')
            start++;
        return new(SqlKind.InsertData, text, format.Text, start, tokens);
    }
}
