using System.Text.RegularExpressions;

namespace EventStream.Playback;

/// <summary>Names that viewers give (region, device, player) and that end up in URLs, manifests and topics.</summary>
internal static partial class Names
{
    public const int LengthMax = 64;

    /// <summary>Whether the text is 1 to 64 letters, digits, dots, hyphens and underscores.</summary>
    public static bool IsValid(string text) => Pattern().IsMatch(text);

    /// <summary>The name, or empty where it is none.</summary>
    public static string OrEmpty(string? text) => text is not null && IsValid(text) ? text : "";

    [GeneratedRegex(@"^[A-Za-z0-9._-]{1,64}\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Pattern();
}
