using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace EventStream.Hosting;

/// <summary>
/// Reads the settings of one section and adds a sentence to <paramref name="errors"/> for each that is wrong, so that
/// one start names them all. A setting that is missing or wrong gives the fallback.
/// </summary>
public sealed class SettingsReader(IConfiguration configuration, string section, ICollection<string> errors)
{
    private readonly IConfigurationSection settings = configuration.GetSection(section);

    /// <summary>A record whose properties are the settings; its defaults where one has not the right form.</summary>
    public TOptions Bind<TOptions>()
        where TOptions : class, new()
    {
        try
        {
            return settings.Get<TOptions>() ?? new TOptions();
        }
        catch (InvalidOperationException e)
        {
            errors.Add(e.Message);
            return new TOptions();
        }
    }

    /// <summary>Any text.</summary>
    public string Text(string key, string fallback) => settings[key] ?? fallback;

    /// <summary>A whole number in a range, both ends counted.</summary>
    public long Whole(string key, long fallback, long min, long max)
    {
        if (settings[key] is not { } text)
            return fallback;
        if (long.TryParse(text, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max)
            return value;
        errors.Add($"{settings.Path}:{key}: '{text}' is not a whole number in {min}..{max}.");
        return fallback;
    }

    /// <summary>A whole number in a range, both ends counted.</summary>
    public int Whole(string key, int fallback, int min, int max) => (int)Whole(key, (long)fallback, min, max);

    /// <summary>A number in a range, both ends counted.</summary>
    public double Real(string key, double fallback, double min, double max)
    {
        if (settings[key] is not { } text)
            return fallback;
        var isNumber = double.TryParse(text, CultureInfo.InvariantCulture, out var value);
        if (isNumber && value >= min && value <= max)
            return value;
        errors.Add($"{settings.Path}:{key}: '{text}' is not a number in {min}..{max}.");
        return fallback;
    }

    /// <summary>True or false.</summary>
    public bool Flag(string key, bool fallback)
    {
        if (settings[key] is not { } text)
            return fallback;
        if (bool.TryParse(text, out var value))
            return value;
        errors.Add($"{settings.Path}:{key}: '{text}' is neither true nor false.");
        return fallback;
    }
}
