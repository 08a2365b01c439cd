using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using EventStream.Contracts;

namespace EventStream.EventStore.Privacy;

/// <summary>
/// Crypto-shredding inside the serializer: what <see cref="PersonalDataAttribute"/> marks is stored as
/// <c>{"$personal": 7, "value": "..."}</c>, the number of the person's key and the cipher, and is read back, or as
/// <see cref="PersonalDataAttribute.Erased"/> once the key is gone. It holds for events and for documents alike.
/// </summary>
internal static class PersonalContract
{
    /// <summary>Changes how the marked members of a type are read and written.</summary>
    public static Action<JsonTypeInfo> Modifier(SubjectKeys keys) =>
        info =>
        {
            if (info.Kind != JsonTypeInfoKind.Object)
                return;
            foreach (var field in PersonalFields.Of(info.Type))
            {
                var name = info.Options.PropertyNamingPolicy?.ConvertName(field.Property.Name) ?? field.Property.Name;
                var property = info.Properties.Single(p => p.Name == name);
                property.Get = data =>
                    field.SubjectOf(data) is { } subject && field.TextOf(data) is { } text ? Pair(subject, text) : null;
                property.CustomConverter = new Converter(keys);
            }
        };

    /// <summary>
    /// A converter of a member sees its text only: person and text come as one, after the person's length.
    /// </summary>
    private static string Pair(string subject, string text) =>
        string.Create(CultureInfo.InvariantCulture, $"{subject.Length}:{subject}{text}");

    private static (string Subject, string Text) Split(string pair)
    {
        var colon = pair.IndexOf(':', StringComparison.Ordinal);
        var end = colon + 1 + int.Parse(pair.AsSpan(0, colon), CultureInfo.InvariantCulture);
        return (pair[(colon + 1)..end], pair[end..]);
    }

    private sealed class Converter(SubjectKeys keys) : JsonConverter<string>
    {
        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options)
        {
            var (subject, text) = Split(value);
            // What was erased elsewhere, as in an export, belongs to nobody.
            if (text == PersonalDataAttribute.Erased)
                writer.WriteStringValue(text);
            else
                PersonalText.Write(writer, keys.Of(subject), text);
        }

        public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            PersonalText.Read(ref reader, keys);
    }
}

/// <summary>The stored shape of one personal text.</summary>
internal static class PersonalText
{
    public static void Write(Utf8JsonWriter writer, SubjectKey key, string text)
    {
        writer.WriteStartObject();
        writer.WriteNumber("$personal"u8, key.Id);
        writer.WriteString("value"u8, key.Protect(text));
        writer.WriteEndObject();
    }

    /// <summary>A text that was never protected is read as it is.</summary>
    public static string? Read(ref Utf8JsonReader reader, SubjectKeys keys)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            return reader.GetString();
        var (id, cipher) = (0L, "");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isKey = reader.ValueTextEquals("$personal"u8);
            reader.Read();
            if (isKey)
                id = reader.GetInt64();
            else
                cipher = reader.GetString()!;
        }

        return keys.OfId(id)?.Reveal(cipher) ?? PersonalDataAttribute.Erased;
    }
}
