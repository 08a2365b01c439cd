using System.Globalization;
using System.Text.RegularExpressions;

namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// ClickHouse refused a statement. <c>Code</c> and <c>Name</c> are ClickHouse's own, such as 60 and
/// <c>UNKNOWN_TABLE</c>; the message is its whole sentence.
/// </summary>
public sealed partial class ClickHouseException(int code, string name, string message) : Exception(message)
{
    /// <summary>Codes that this room answers with, or acts on; ClickHouse's numbers.</summary>
    public const int SyntaxError = 62,
        UnknownSetting = 115,
        SettingConstraint = 452,
        Readonly = 164,
        AccessDenied = 497,
        AuthenticationFailed = 516,
        TooManyQueries = 202,
        TooManyBytes = 396,
        SessionLocked = 373,
        SessionNotFound = 372,
        NotImplemented = 48,
        BadArguments = 36;

    public int Code { get; } = code;

    public string Name { get; } = name;

    /// <summary>Reads <c>Code: N. DB::Exception: text (NAME)</c>; a text of another form has code 0.</summary>
    public static ClickHouseException Parse(string text)
    {
        // The engine says some errors twice, one inside the other; a server says the inner one.
        var trimmed = Doubled().Match(text.Trim()) is { Success: true } doubled
            ? doubled.Groups["inner"].Value
            : text.Trim();
        var code = CodePattern().Match(trimmed);
        var names = NamePattern().Matches(trimmed);
        return new ClickHouseException(
            code.Success ? int.Parse(code.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : 0,
            names.Count > 0 ? names[^1].Groups[1].Value : "",
            trimmed
        );
    }

    /// <summary>An exception in ClickHouse's words, raised by the embedded engine's HTTP interface itself.</summary>
    internal static ClickHouseException Of(int code, string name, string sentence) =>
        new(code, name, $"Code: {code}. DB::Exception: {sentence} ({name})");

    [GeneratedRegex(
        @"^Code: (?<n>\d+)\. DB::Exception: (?<inner>Code: \k<n>\. DB::Exception: .*\([A-Z0-9_]+\))"
            + @"(?: \(version [^)]*\))?\.? \([A-Z0-9_]+\)$",
        RegexOptions.Singleline | RegexOptions.ExplicitCapture
    )]
    private static partial Regex Doubled();

    [GeneratedRegex(@"^Code: (\d+)[.,]")]
    private static partial Regex CodePattern();

    [GeneratedRegex(@"\(([A-Z][A-Z0-9_]{2,})\)")]
    private static partial Regex NamePattern();
}
