using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace EventStream.Traffic;

/// <summary>Reads settings of one section and collects a sentence for each that is wrong.</summary>
internal sealed class OptionsReader(IConfigurationSection section)
{
    public List<string> Errors { get; } = [];

    public string Text(string key, string fallback) => section[key] ?? fallback;

    public int Whole(string key, int fallback, int min, int max)
    {
        if (section[key] is not { } text) return fallback;
        if (int.TryParse(text, CultureInfo.InvariantCulture, out var value) && value >= min
            && value <= max) return value;
        Errors.Add($"{section.Path}:{key}: '{text}' is not a whole number in {min}..{max}.");
        return fallback;
    }

    public double Real(string key, double fallback, double min, double max)
    {
        if (section[key] is not { } text) return fallback;
        var isNumber = double.TryParse(text, CultureInfo.InvariantCulture, out var value);
        if (isNumber && value >= min && value <= max) return value;
        Errors.Add($"{section.Path}:{key}: '{text}' is not a number in {min}..{max}.");
        return fallback;
    }

    public bool Flag(string key, bool fallback)
    {
        if (section[key] is not { } text) return fallback;
        if (bool.TryParse(text, out var value)) return value;
        Errors.Add($"{section.Path}:{key}: '{text}' is neither true nor false.");
        return fallback;
    }
}
