using System.Text;

namespace EventStream.Embedded.ClickHouse.Sql;

/// <summary>What a token is; blanks and comments are none.</summary>
public enum SqlTokenKind
{
    /// <summary>A bare word: keyword, identifier or number.</summary>
    Word,

    /// <summary>An identifier in backticks or double quotes; its text is what is written between them.</summary>
    QuotedIdentifier,

    /// <summary>A string literal or heredoc; its text is left out.</summary>
    Literal,

    /// <summary>One character of punctuation.</summary>
    Symbol,
}

/// <summary>
/// A token and its position, in bytes of the UTF-8 text. Depth counts the brackets that are open around it.
/// </summary>
public readonly record struct SqlToken(SqlTokenKind Kind, int Start, int End, int Depth, string Text)
{
    /// <summary>Whether it is this keyword, in any case, and not a quoted name.</summary>
    public bool Is(string keyword) =>
        Kind == SqlTokenKind.Word && string.Equals(Text, keyword, StringComparison.OrdinalIgnoreCase);

    public bool IsSymbol(char symbol) => Kind == SqlTokenKind.Symbol && Text[0] == symbol;
}

/// <summary>A statement that the scanner cannot take apart; the message says why.</summary>
public sealed class SqlTextException(string message) : Exception(message);

/// <summary>
/// Cuts SQL into tokens by the rules of ClickHouse's lexer: strings with backslash and doubled quotes, backticks,
/// heredocs, and the comments <c>--</c>, <c>//</c>, <c># </c>, <c>#!</c> and <c>/* */</c>. It works on bytes, so that
/// binary data may follow the statement, and is lazy, so that the caller can stop where the data begins.
/// </summary>
public static class SqlScanner
{
    /// <summary>
    /// The tokens in order. Throws <see cref="SqlTextException"/> at an unclosed quote or a character outside ASCII.
    /// </summary>
    public static IEnumerable<SqlToken> Scan(ReadOnlyMemory<byte> sql)
    {
        var depth = 0;
        for (var at = 0; at < sql.Length; )
        {
            if (GapEnd(sql.Span, at) is { } end)
            {
                at = end;
                continue;
            }

            var token = Next(sql.Span, at, depth);
            if (token.Kind == SqlTokenKind.Symbol)
            {
                if (token.Text[0] is '(' or '[' or '{')
                    depth++;
                if (token.Text[0] is ')' or ']' or '}')
                    depth = Math.Max(0, depth - 1);
            }

            yield return token;
            at = token.End;
        }
    }

    private static SqlToken Next(ReadOnlySpan<byte> sql, int at, int depth)
    {
        var c = sql[at];
        if (c == '\'')
            return new(SqlTokenKind.Literal, at, QuotedEnd(sql, at), depth, "");
        if (c is (byte)'`' or (byte)'"')
            return Quoted(sql, at, depth);
        if (c == '$' && HeredocEnd(sql, at) is { } end)
            return new(SqlTokenKind.Literal, at, end, depth, "");
        // The engine takes typographic quotes and blanks outside ASCII for what they look like; no rule could see that.
        if (c >= 0x80)
            throw new SqlTextException(
                $"Syntax error: failed at position {at + 1}: not ASCII and not quoted; put text in ' and names in `."
            );
        if (!IsWord(c))
            return new(SqlTokenKind.Symbol, at, at + 1, depth, ((char)c).ToString());
        var stop = at + 1;
        while (stop < sql.Length && IsWord(sql[stop]))
            stop++;
        return new(SqlTokenKind.Word, at, stop, depth, Encoding.UTF8.GetString(sql[at..stop]));
    }

    /// <summary>The end of a blank or a comment, or null where a token begins.</summary>
    private static int? GapEnd(ReadOnlySpan<byte> sql, int at)
    {
        if (IsSpace(sql[at]))
            return at + 1;
        var next = at + 1 < sql.Length ? sql[at + 1] : (byte)0;
        return (sql[at], next) switch
        {
            ((byte)'-', (byte)'-') or ((byte)'/', (byte)'/') or ((byte)'#', (byte)' ' or (byte)'!') => LineEnd(sql, at),
            ((byte)'/', (byte)'*') => BlockEnd(sql, at),
            _ => null,
        };
    }

    private static SqlToken Quoted(ReadOnlySpan<byte> sql, int at, int depth)
    {
        var end = QuotedEnd(sql, at);
        return new(SqlTokenKind.QuotedIdentifier, at, end, depth, Encoding.UTF8.GetString(sql[(at + 1)..(end - 1)]));
    }

    private static int QuotedEnd(ReadOnlySpan<byte> sql, int at)
    {
        var quote = sql[at];
        for (var i = at + 1; i < sql.Length; i++)
        {
            if (sql[i] == '\\')
            {
                i++;
            }
            else if (sql[i] == quote)
            {
                if (i + 1 >= sql.Length || sql[i + 1] != quote)
                    return i + 1;
                i++;
            }
        }

        throw new SqlTextException(
            $"Syntax error: failed at position {at + 1} ({(char)quote}): the quotation mark is not closed."
        );
    }

    private static int LineEnd(ReadOnlySpan<byte> sql, int at)
    {
        var length = sql[at..].IndexOf((byte)'\n');
        return length < 0 ? sql.Length : at + length;
    }

    private static int BlockEnd(ReadOnlySpan<byte> sql, int at)
    {
        var length = sql[(at + 2)..].IndexOf("*/"u8);
        return length < 0
            ? throw new SqlTextException($"Syntax error: failed at position {at + 1} (/*): the comment is not closed.")
            : at + 2 + length + 2;
    }

    private static int? HeredocEnd(ReadOnlySpan<byte> sql, int at)
    {
        var tagEnd = at + 1;
        while (tagEnd < sql.Length && IsWord(sql[tagEnd]) && sql[tagEnd] != '$')
            tagEnd++;
        if (tagEnd >= sql.Length || sql[tagEnd] != '$')
            return null;
        var tag = sql[at..(tagEnd + 1)];
        var length = sql[(tagEnd + 1)..].IndexOf(tag);
        return length < 0 ? null : tagEnd + 1 + length + tag.Length;
    }

    private static bool IsSpace(byte c) => c is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r' or 0x0B or 0x0C;

    private static bool IsWord(byte c) => c is (byte)'_' or (byte)'$' || char.IsAsciiLetterOrDigit((char)c);
}
