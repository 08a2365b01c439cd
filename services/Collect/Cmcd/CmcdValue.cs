using System.Globalization;

namespace EventStream.Collect.Cmcd;

/// <summary>
/// One item of a CMCD value (RFC 8941): text of a string or token, a number, or a boolean, with the object type flag
/// that may follow it, as in <c>3272;v</c>.
/// </summary>
public readonly record struct CmcdItem(string? Text, double? Number, bool? Flag, string? Parameter)
{
    public override string ToString() =>
        Text ?? Number?.ToString(CultureInfo.InvariantCulture) ?? (Flag == true ? "?1" : "?0");
}

/// <summary>
/// One record: key to items. A bare value is a list of one, because players send both forms for the same key.
/// </summary>
public sealed class CmcdRecord(IReadOnlyDictionary<string, IReadOnlyList<CmcdItem>> values)
{
    /// <summary>The version that the record declares; 1 where it does not.</summary>
    public int Version => (int?)Number("v") ?? 1;

    /// <summary>The text of a string or token key, or null.</summary>
    public string? Text(string key) => First(key)?.Text;

    /// <summary>True when the key is present as a boolean that is true.</summary>
    public bool Flag(string key) => First(key)?.Flag == true;

    /// <summary>All texts of a list key, or null.</summary>
    public IReadOnlyList<string>? Texts(string key) =>
        values.TryGetValue(key, out var items) ? [.. items.Select(item => item.ToString())] : null;

    /// <summary>
    /// The number for video, else the one without an object type, else the first; null where there is none.
    /// </summary>
    public double? Number(string key)
    {
        if (!values.TryGetValue(key, out var items) || items.Count == 0)
            return null;
        var video = items.FirstOrDefault(item => item.Parameter is "v" or "av");
        if (video.Number is not null)
            return video.Number;
        var plain = items.FirstOrDefault(item => item.Parameter is null);
        return plain.Number ?? items[0].Number;
    }

    /// <summary>The sum of a list of numbers, or null where the key is absent.</summary>
    public double? Sum(string key) =>
        values.TryGetValue(key, out var items) ? items.Sum(item => item.Number ?? 0) : null;

    private CmcdItem? First(string key) => values.TryGetValue(key, out var items) && items.Count > 0 ? items[0] : null;
}
