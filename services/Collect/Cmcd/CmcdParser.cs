using System.Globalization;
using System.Text;

namespace EventStream.Collect.Cmcd;

/// <summary>
/// Reads one CMCD record (CTA-5004 and CTA-5004-B, the RFC 8941 dictionary subset): <c>key=value</c> pairs separated
/// by commas, inner lists in parentheses with object type parameters, bare keys for true. Spaces round commas are
/// tolerated.
/// </summary>
public static class CmcdParser
{
    /// <summary>The longest record that is read, in characters; players' records are below 2,000.</summary>
    public const int LengthMax = 16 * 1024;

    /// <summary>Most keys in one record; the standard knows about fifty.</summary>
    public const int KeysMax = 128;

    /// <summary>Most items in one inner list.</summary>
    public const int ItemsMax = 64;

    /// <summary>The largest number of the standard (RFC 8941): 15 digits.</summary>
    public const double NumberMax = 999_999_999_999_999;

    /// <summary>Reads a record, or says in <paramref name="error"/> what is wrong and at which character.</summary>
    public static CmcdRecord? TryParse(string line, out string? error)
    {
        try
        {
            error = null;
            return new CmcdRecord(new Reader(line).ReadRecord());
        }
        catch (FormatException e)
        {
            error = e.Message;
            return null;
        }
    }

    private ref struct Reader(string text)
    {
        private int at;

        public Dictionary<string, IReadOnlyList<CmcdItem>> ReadRecord()
        {
            if (text.Length > LengthMax)
                throw new FormatException($"the record is longer than {LengthMax} characters");
            var values = new Dictionary<string, IReadOnlyList<CmcdItem>>(StringComparer.Ordinal);
            SkipSpaces();
            while (at < text.Length)
            {
                var key = ReadKey();
                values[key] =
                    at < text.Length && text[at] == '=' ? ReadValue() : [new CmcdItem(null, null, true, null)];
                if (values.Count > KeysMax)
                    throw Wrong($"more than {KeysMax} keys");
                SkipSpaces();
                if (at == text.Length)
                    break;
                Expect(',');
                SkipSpaces();
            }

            if (values.Count == 0)
                throw new FormatException("the record is empty");
            return values;
        }

        private string ReadKey()
        {
            var start = at;
            while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] is '-' or '_' or '.' or '*'))
                at++;
            return at > start ? text[start..at] : throw Wrong("a key was expected");
        }

        private List<CmcdItem> ReadValue()
        {
            at++;
            if (at < text.Length && text[at] == '(')
                return ReadList();
            return [ReadItem()];
        }

        private List<CmcdItem> ReadList()
        {
            at++;
            var items = new List<CmcdItem>();
            SkipSpaces();
            while (at < text.Length && text[at] != ')')
            {
                items.Add(ReadItem());
                if (items.Count > ItemsMax)
                    throw Wrong($"more than {ItemsMax} items in a list");
                SkipSpaces();
            }

            Expect(')');
            return items;
        }

        private CmcdItem ReadItem()
        {
            if (at >= text.Length)
                throw Wrong("a value was expected");
            CmcdItem item = text[at] switch
            {
                '"' => new CmcdItem(ReadString(), null, null, null),
                '?' => new CmcdItem(null, null, ReadBoolean(), null),
                '-' or (>= '0' and <= '9') => ReadNumber(),
                _ => new CmcdItem(ReadToken(), null, null, null),
            };
            return item with { Parameter = ReadParameters() };
        }

        private string ReadString()
        {
            at++;
            var value = new StringBuilder();
            while (at < text.Length && text[at] != '"')
            {
                if (text[at] == '\\' && at + 1 < text.Length)
                    at++;
                value.Append(text[at++]);
            }

            Expect('"');
            return value.ToString();
        }

        private bool ReadBoolean()
        {
            at++;
            if (at < text.Length && text[at] is ('0' or '1'))
                return text[at++] == '1';
            throw Wrong("?0 or ?1 was expected");
        }

        private CmcdItem ReadNumber()
        {
            var start = at++;
            while (at < text.Length && (char.IsAsciiDigit(text[at]) || text[at] == '.'))
                at++;
            // A token may start with a digit in what players send, such as an unquoted session id.
            if (at < text.Length && IsTokenCharacter(text[at]))
            {
                at = start;
                return new CmcdItem(ReadToken(), null, null, null);
            }

            return
                double.TryParse(
                    text.AsSpan(start, at - start),
                    NumberStyles.Float,
                    CultureInfo.InvariantCulture,
                    out var n
                )
                && Math.Abs(n) <= NumberMax
                ? new CmcdItem(null, n, null, null)
                : throw Wrong($"'{Start(text.AsSpan(start, at - start))}' is not a number of at most 15 digits");
        }

        private static string Start(ReadOnlySpan<char> text) => text.Length <= 40 ? $"{text}" : $"{text[..40]}...";

        private string ReadToken()
        {
            var start = at;
            while (at < text.Length && IsTokenCharacter(text[at]))
                at++;
            return at > start ? text[start..at] : throw Wrong($"'{text[at]}' cannot start a value");
        }

        /// <summary>
        /// Reads <c>;name</c> or <c>;name=value</c> and keeps the first name, which is the object type.
        /// </summary>
        private string? ReadParameters()
        {
            string? first = null;
            while (at < text.Length && text[at] == ';')
            {
                at++;
                SkipSpaces();
                var name = ReadKey();
                first ??= name;
                if (at < text.Length && text[at] == '=')
                    ReadValue();
            }

            return first;
        }

        private static bool IsTokenCharacter(char c) =>
            char.IsAsciiLetterOrDigit(c)
            || c is '-' or '_' or '.' or ':' or '/' or '%' or '*' or '!' or '#' or '$' or '&' or '+';

        private void SkipSpaces()
        {
            while (at < text.Length && text[at] is (' ' or '\t'))
                at++;
        }

        private void Expect(char c)
        {
            if (at >= text.Length || text[at] != c)
                throw Wrong($"'{c}' was expected");
            at++;
        }

        private readonly FormatException Wrong(string what) => new($"{what} at character {at + 1}");
    }
}
