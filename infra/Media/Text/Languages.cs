using EventStream.Contracts;

namespace EventStream.Media.Text;

/// <summary>
/// Languages of streams. Containers write the three letters of ISO 639-2, players and manifests want the tags of
/// BCP 47, whose shortest form has two where there are two, and viewers want a name.
/// </summary>
public static class Languages
{
    /// <summary>Characters of the longest tag that is of use (RFC 5646, 4.4.1).</summary>
    public const int TagMax = 35;

    /// <summary>Codes that say that a stream has no language, several, or none that is known.</summary>
    private static readonly HashSet<string> None = new(StringComparer.Ordinal) { "und", "mis", "mul", "zxx", "qaa" };

    /// <summary>Tag, the codes of ISO 639-2, and the name in the language itself.</summary>
    private static readonly (string Tag, string[] Codes, string Name)[] All =
    [
        ("ar", ["ara"], "العربية"),
        ("bg", ["bul"], "Български"),
        ("ca", ["cat"], "Català"),
        ("cs", ["cze", "ces"], "Čeština"),
        ("da", ["dan"], "Dansk"),
        ("de", ["ger", "deu"], "Deutsch"),
        ("el", ["gre", "ell"], "Ελληνικά"),
        ("en", ["eng"], "English"),
        ("es", ["spa"], "Español"),
        ("et", ["est"], "Eesti"),
        ("fa", ["per", "fas"], "فارسی"),
        ("fi", ["fin"], "Suomi"),
        ("fr", ["fre", "fra"], "Français"),
        ("ga", ["gle"], "Gaeilge"),
        ("he", ["heb"], "עברית"),
        ("hi", ["hin"], "हिन्दी"),
        ("hr", ["hrv"], "Hrvatski"),
        ("hu", ["hun"], "Magyar"),
        ("id", ["ind"], "Indonesia"),
        ("is", ["ice", "isl"], "Íslenska"),
        ("it", ["ita"], "Italiano"),
        ("ja", ["jpn"], "日本語"),
        ("ko", ["kor"], "한국어"),
        ("lt", ["lit"], "Lietuvių"),
        ("lv", ["lav"], "Latviešu"),
        ("ms", ["may", "msa"], "Melayu"),
        ("nl", ["dut", "nld"], "Nederlands"),
        ("no", ["nor"], "Norsk"),
        ("pl", ["pol"], "Polski"),
        ("pt", ["por"], "Português"),
        ("ro", ["rum", "ron"], "Română"),
        ("ru", ["rus"], "Русский"),
        ("sk", ["slo", "slk"], "Slovenčina"),
        ("sl", ["slv"], "Slovenščina"),
        ("sr", ["srp"], "Српски"),
        ("sv", ["swe"], "Svenska"),
        ("th", ["tha"], "ไทย"),
        ("tr", ["tur"], "Türkçe"),
        ("uk", ["ukr"], "Українська"),
        ("vi", ["vie"], "Tiếng Việt"),
        ("zh", ["chi", "zho"], "中文"),
    ];

    private static readonly Dictionary<string, string> Tags = All.SelectMany(language =>
            language.Codes.Select(code => (code, language.Tag))
        )
        .ToDictionary(pair => pair.code, pair => pair.Tag, StringComparer.Ordinal);

    private static readonly Dictionary<string, string> Own = All.ToDictionary(
        language => language.Tag,
        language => language.Name,
        StringComparer.Ordinal
    );

    /// <summary>
    /// The BCP 47 tag of what a stream states: <c>eng</c> is <c>en</c>, <c>pt-BR</c> stays. Null for what states no
    /// language or is no tag.
    /// </summary>
    public static string? Tag(string? stated)
    {
        var parts = (stated ?? "").Trim().Replace('_', '-').Split('-');
        var first = parts[0].ToLowerInvariant();
        if (first.Length is not (2 or 3) || !first.All(char.IsAsciiLetterLower) || None.Contains(first))
            return null;
        parts[0] = Tags.GetValueOrDefault(first, first);
        var rest = parts.Skip(1).TakeWhile(part => part.Length is >= 1 and <= 8 && part.All(char.IsAsciiLetterOrDigit));
        return string.Join('-', rest.Prepend(parts[0]));
    }

    /// <summary>
    /// What viewers choose a sound by, or null where nothing is known of it. One with a language is named for it,
    /// because titles such as "Stereo" are often those of all; <paramref name="otherwise"/> is the name of one with
    /// nothing but a role.
    /// </summary>
    public static TrackLabel? Label(SourceSound? sound, string otherwise) =>
        sound is null ? null : Label(sound.Language, sound.Title, sound.Role, otherwise);

    /// <summary>What viewers choose subtitles by, as with sounds.</summary>
    public static TrackLabel? Label(SourceText text, string otherwise) =>
        Label(text.Language, text.Title, text.Role, otherwise);

    /// <summary>The same of what is stated; null where nothing is.</summary>
    public static TrackLabel? Label(string? language, string? title, string? role, string otherwise)
    {
        if (language is null && title is null && role is null)
            return null;
        if (language is null && title is not null)
            return new TrackLabel(title, null, role);
        var name = language is null ? otherwise : Name(language);
        return new TrackLabel(role is null ? name : $"{name} ({role.Replace('-', ' ')})", language, role);
    }

    /// <summary>The name of a tag in its own language, or the tag where the name is not known.</summary>
    public static string Name(string tag)
    {
        var dash = tag.IndexOf('-', StringComparison.Ordinal);
        if (dash < 0)
            return Own.GetValueOrDefault(tag, tag);
        return Own.TryGetValue(tag[..dash], out var name) ? $"{name} ({tag[(dash + 1)..]})" : tag;
    }
}
