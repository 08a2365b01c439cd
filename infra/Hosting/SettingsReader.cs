using System.Globalization;
using System.Net;
using Microsoft.Extensions.Configuration;

namespace EventStream.Hosting;

/// <summary>
/// Reads the settings of one section and adds a sentence to <paramref name="errors"/> for each that is wrong, so that
/// one start names them all. A setting that is missing or wrong gives the fallback.
/// </summary>
public sealed class SettingsReader(IConfiguration configuration, string section, ICollection<string> errors)
{
    private static readonly Dictionary<Type, (string Kind, Func<string, object?> Parse)> Kinds = new()
    {
        [typeof(string)] = ("text", text => text),
        [typeof(int)] = ("a whole number", text => int.TryParse(text, Invariant, out var v) ? v : null),
        [typeof(long)] = ("a whole number", text => long.TryParse(text, Invariant, out var v) ? v : null),
        [typeof(bool)] = ("true or false", text => bool.TryParse(text, out var v) ? v : null),
        [typeof(TimeSpan)] = (
            "a span of time as in 00:00:30 or 7.00:00:00",
            text => TimeSpan.TryParse(text, Invariant, out var v) ? v : null
        ),
        [typeof(IPAddress)] = ("an IP address", text => IPAddress.TryParse(text, out var v) ? v : null),
    };

    private readonly IConfigurationSection settings = configuration.GetSection(section);

    private static CultureInfo Invariant => CultureInfo.InvariantCulture;

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

    /// <summary>
    /// Sets the properties of <paramref name="options"/>, and of records of options in it, that the section names. A
    /// name that is no property is wrong, too.
    /// </summary>
    public void Fill(object options) => Fill(options, settings);

    /// <summary>Any text.</summary>
    public string Text(string key, string fallback) => settings[key] ?? fallback;

    /// <summary>A whole number in a range, both ends counted.</summary>
    public long Whole(string key, long fallback, long min, long max) =>
        Value(key, fallback, $"a whole number in {min}..{max}", value => value >= min && value <= max);

    /// <summary>A whole number in a range, both ends counted.</summary>
    public int Whole(string key, int fallback, int min, int max) => (int)Whole(key, (long)fallback, min, max);

    /// <summary>A number in a range, both ends counted.</summary>
    public double Real(string key, double fallback, double min, double max) =>
        Value(key, fallback, $"a number in {min}..{max}", value => value >= min && value <= max);

    /// <summary>A span of time above zero, such as <c>24:00:00</c>.</summary>
    public TimeSpan Time(string key, TimeSpan fallback) =>
        Value(key, fallback, "a time such as 24:00:00", value => value > TimeSpan.Zero);

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

    private T Value<T>(string key, T fallback, string kind, Func<T, bool> fits)
        where T : IParsable<T>
    {
        if (settings[key] is not { } text)
            return fallback;
        if (T.TryParse(text, Invariant, out var value) && fits(value))
            return value;
        errors.Add($"{settings.Path}:{key}: '{text}' is not {kind}.");
        return fallback;
    }

    private void Fill(object options, IConfigurationSection from)
    {
        var properties = options
            .GetType()
            .GetProperties()
            .Where(p => p.CanWrite && IsReadable(p.PropertyType))
            .ToList();
        foreach (var setting in from.GetChildren())
        {
            if (properties.Find(p => p.Name.Equals(setting.Key, StringComparison.OrdinalIgnoreCase)) is { } property)
            {
                if (Read(property.PropertyType, setting) is { } value)
                    property.SetValue(options, value);
                continue;
            }

            var names = string.Join(", ", properties.Select(p => p.Name).Order(StringComparer.Ordinal));
            errors.Add($"{setting.Path} is no setting; those of {from.Path} are {names}.");
        }
    }

    private static bool IsReadable(Type type) =>
        Kinds.ContainsKey(Nullable.GetUnderlyingType(type) ?? type)
        || type.IsEnum
        || IsRecordOfOptions(type)
        || type == typeof(IReadOnlyList<string>)
        || type == typeof(IReadOnlyDictionary<string, string>);

    private static bool IsRecordOfOptions(Type type) => type.Name.EndsWith("Options", StringComparison.Ordinal);

    /// <summary>The value of a property; null where the setting is wrong.</summary>
    private object? Read(Type declared, IConfigurationSection setting)
    {
        var type = Nullable.GetUnderlyingType(declared) ?? declared;
        if (IsRecordOfOptions(type))
        {
            var nested = Activator.CreateInstance(type)!;
            Fill(nested, setting);
            return nested;
        }

        if (type == typeof(IReadOnlyDictionary<string, string>))
            return setting.GetChildren().ToDictionary(child => child.Key, child => child.Value ?? "");
        if (type == typeof(IReadOnlyList<string>))
            return setting.Value is { } commas
                ? commas.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                : setting.GetChildren().Select(child => child.Value ?? "").ToArray();
        var (kind, value) = type.IsEnum
            ? ($"one of {string.Join(", ", Enum.GetNames(type))}", Named(type, setting.Value))
            : (Kinds[type].Kind, Kinds[type].Parse(setting.Value ?? ""));
        if (value is null)
            errors.Add($"{setting.Path} '{setting.Value}' is not {kind}.");
        return value;
    }

    /// <summary>The value of an enumeration by its name. Kafka writes SASL_SSL where the name is SaslSsl.</summary>
    private static object? Named(Type type, string? text)
    {
        var word = text?.Replace("_", "", StringComparison.Ordinal);
        var name = Enum.GetNames(type).FirstOrDefault(name => name.Equals(word, StringComparison.OrdinalIgnoreCase));
        return name is null ? null : Enum.Parse(type, name);
    }
}
