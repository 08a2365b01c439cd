using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// ClickHouse refused a statement. <c>Code</c> and <c>Name</c> are ClickHouse's own, such as 60 and
/// <c>UNKNOWN_TABLE</c>; the message is its whole sentence.
/// </summary>
public sealed partial class ClickHouseException(int code, string name, string message) : Exception(message)
{
    /// <summary>An exception in ClickHouse's words, raised by the embedded engine's HTTP interface itself.</summary>
    internal ClickHouseException(ClickHouseError error, string sentence)
        : this((int)error, NameOf(error), $"Code: {(int)error}. DB::Exception: {sentence} ({NameOf(error)})") { }

    public int Code { get; } = code;

    public string Name { get; } = name;

    /// <summary>The sentence with the version at its end, as a server words it.</summary>
    internal string Worded(string version) =>
        Message.Contains("(version ", StringComparison.Ordinal) ? Message : $"{Message} (version {version})";

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

    private static string NameOf(ClickHouseError error) => JsonNamingPolicy.SnakeCaseUpper.ConvertName($"{error}");

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

/// <summary>The errors that this room raises itself, by ClickHouse's numbers and, in capitals, names.</summary>
internal enum ClickHouseError
{
    BadArguments = 36,
    NotImplemented = 48,
    SyntaxError = 62,
    UnknownSetting = 115,
    Readonly = 164,
    TooManySimultaneousQueries = 202,
    NetworkError = 210,
    SessionNotFound = 372,
    SessionIsLocked = 373,
    TooManyRowsOrBytes = 396,
    SettingConstraintViolation = 452,
    AccessDenied = 497,
    AuthenticationFailed = 516,
    StdException = 1001,
}
