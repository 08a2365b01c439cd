using System.Globalization;
using System.Net;
using System.Reflection;

namespace EventStream.Cli;

/// <summary>
/// Fills a record of options from the settings of the same names and collects everything that is wrong with them, so
/// that one start shows all errors: a value that is not of its type, and a name that is no option.
/// </summary>
internal sealed class OptionsReader(List<string> errors)
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

    private static CultureInfo Invariant => CultureInfo.InvariantCulture;

    /// <summary>Sets the properties of <paramref name="options"/> that the section names.</summary>
    public void Fill(object options, IConfigurationSection section)
    {
        var properties = options
            .GetType()
            .GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.CanWrite && IsReadable(property.PropertyType))
            .ToList();
        foreach (var setting in section.GetChildren())
        {
            var property = properties.Find(candidate =>
                candidate.Name.Equals(setting.Key, StringComparison.OrdinalIgnoreCase)
            );
            if (property is null)
            {
                var names = string.Join(", ", properties.Select(p => p.Name).Order(StringComparer.Ordinal));
                errors.Add($"{setting.Path} is no setting; those of {section.Path} are {names}.");
            }
            else
            {
                Set(options, property, setting);
            }
        }
    }

    private static bool IsReadable(Type type) =>
        Kinds.ContainsKey(Nullable.GetUnderlyingType(type) ?? type)
        || type.IsEnum
        || IsRecordOfOptions(type)
        || type == typeof(IReadOnlyList<string>)
        || type == typeof(IReadOnlyDictionary<string, string>);

    private static bool IsRecordOfOptions(Type type) => type.Name.EndsWith("Options", StringComparison.Ordinal);

    private void Set(object options, PropertyInfo property, IConfigurationSection setting)
    {
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        if (IsRecordOfOptions(type))
        {
            var nested = Activator.CreateInstance(type)!;
            Fill(nested, setting);
            property.SetValue(options, nested);
        }
        else if (type == typeof(IReadOnlyDictionary<string, string>))
        {
            property.SetValue(options, setting.GetChildren().ToDictionary(c => c.Key, c => c.Value ?? ""));
        }
        else if (type == typeof(IReadOnlyList<string>))
        {
            property.SetValue(options, List(setting));
        }
        else if (type.IsEnum)
        {
            SetEnum(options, property, type, setting);
        }
        else if (Kinds[type].Parse(setting.Value ?? "") is { } value)
        {
            property.SetValue(options, value);
        }
        else
        {
            errors.Add($"{setting.Path} '{setting.Value}' is not {Kinds[type].Kind}.");
        }
    }

    private static IReadOnlyList<string> List(IConfigurationSection setting) =>
        setting.Value is { } commas
            ? commas.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            : [.. setting.GetChildren().Select(child => child.Value ?? "")];

    private void SetEnum(object options, PropertyInfo property, Type type, IConfigurationSection setting)
    {
        // Kafka writes SASL_SSL where the option's name is SaslSsl.
        var text = (setting.Value ?? "").Replace("_", "", StringComparison.Ordinal);
        var name = Enum.GetNames(type).FirstOrDefault(n => n.Equals(text, StringComparison.OrdinalIgnoreCase));
        if (name is null)
        {
            var names = string.Join(", ", Enum.GetNames(type));
            errors.Add($"{setting.Path} '{setting.Value}' is none of {names}.");
        }
        else
        {
            property.SetValue(options, Enum.Parse(type, name));
        }
    }
}
