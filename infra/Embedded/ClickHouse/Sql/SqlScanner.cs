using System.Text;

namespace EventStream.Embedded.ClickHouse.Sql;

/// <summary>What a token is. Comments are tokens too, because a rule may have to look inside them.</summary>
public enum SqlTokenKind
{
    /// <summary>A bare word: keyword, identifier or number.</summary>
    Word,

    /// <summary>An identifier in backticks or double quotes; its text is decoded.</summary>
    QuotedIdentifier,

    /// <summary>A string literal or heredoc; its text is left out.</summary>
    Literal,

    /// <summary>A comment, with its whole text.</summary>
    Comment,

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
            if (IsSpace(sql.Span[at]))
            {
                at++;
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
        var next = at + 1 < sql.Length ? sql[at + 1] : (byte)0;
        if (c == '\'')
            return new(SqlTokenKind.Literal, at, QuotedEnd(sql, at), depth, "");
        if (c is (byte)'`' or (byte)'"')
            return Quoted(sql, at, depth);
        if ((c == '-' && next == '-') || (c == '/' && next == '/') || (c == '#' && next is (byte)' ' or (byte)'!'))
            return Comment(sql, at, LineEnd(sql, at), depth);
        if (c == '/' && next == '*')
            return Comment(sql, at, BlockEnd(sql, at), depth);
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

    private static SqlToken Comment(ReadOnlySpan<byte> sql, int at, int end, int depth) =>
        new(SqlTokenKind.Comment, at, end, depth, Encoding.UTF8.GetString(sql[at..end]));

    private static SqlToken Quoted(ReadOnlySpan<byte> sql, int at, int depth)
    {
        var end = QuotedEnd(sql, at);
        return new(SqlTokenKind.QuotedIdentifier, at, end, depth, Decode(sql[(at + 1)..(end - 1)], (char)sql[at]));
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

    /// <summary>The name behind a quoted identifier, so that no spelling of a name escapes a rule about it.</summary>
    private static string Decode(ReadOnlySpan<byte> inside, char quote)
    {
        var text = Encoding.UTF8.GetString(inside);
        var decoded = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == quote)
            {
                decoded.Append(quote);
                i++;
            }
            else if (text[i] != '\\' || i + 1 >= text.Length)
            {
                decoded.Append(text[i]);
            }
            else if (
                text[i + 1] == 'x'
                && i + 3 < text.Length
                && byte.TryParse(
                    text.AsSpan(i + 2, 2),
                    System.Globalization.NumberStyles.AllowHexSpecifier,
                    null,
                    out var value
                )
            )
            {
                decoded.Append((char)value);
                i += 3;
            }
            else
            {
                decoded.Append(text[++i]);
            }
        }

        return decoded.ToString();
    }

    private static bool IsSpace(byte c) => c is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r' or 0x0B or 0x0C;

    private static bool IsWord(byte c) => c is (byte)'_' or (byte)'$' || char.IsAsciiLetterOrDigit((char)c);
}
