using System.Globalization;
using System.Text;

namespace EventStream.Upload;

/// <summary>
/// The title of a video: what the publisher says, else the name of its file, else the time of its announcement. It
/// always has something to see, and nothing that makes a reader see something else.
/// </summary>
public static class VideoTitle
{
    /// <summary>Longest title, in UTF-16 units.</summary>
    public const int LengthMax = 200;

    /// <summary>Characters that count as letters or symbols and look like nothing.</summary>
    private const string Blanks = "\u115F\u1160\u2800\u3164\uFFA0";

    /// <summary>The title of a file announced at a time (shown in UTC).</summary>
    public static string Of(string? title, string fileName, DateTimeOffset now)
    {
        if (Clean(title ?? "") is { } given)
            return given;
        if (Clean(Path.GetFileNameWithoutExtension(fileName.Replace('\\', '/'))) is { } named)
            return named;
        return string.Create(CultureInfo.InvariantCulture, $"Untitled, {now.UtcDateTime:yyyy-MM-dd HH:mm:ss}");
    }

    /// <summary>
    /// The text in one line, without control characters and marks of direction; null where nothing of it can be seen.
    /// </summary>
    public static string? Clean(string text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (IsDirection(rune.Value))
                continue;
            var next = Rune.IsControl(rune) || Rune.IsWhiteSpace(rune) ? new Rune(' ') : rune;
            if (clean.Length + next.Utf16SequenceLength > LengthMax)
                break;
            clean.Append(next);
        }

        var line = clean.ToString().Trim();
        return line.EnumerateRunes().Any(IsSeen) ? line : null;
    }

    /// <summary>Marks that only change the order in which a line is drawn.</summary>
    private static bool IsDirection(int value) =>
        value is 0x061C or 0x200E or 0x200F or (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069);

    private static bool IsSeen(Rune rune)
    {
        if (rune.Value is '.' or '_' or '-' or 0xFFFD)
            return false;
        if (rune.IsBmp && Blanks.Contains((char)rune.Value))
            return false;
        return Rune.IsLetterOrDigit(rune) || Rune.IsSymbol(rune) || Rune.IsPunctuation(rune);
    }
}
