using System.Text.Json;
using System.Text.Json.Serialization;
using EventStream.Contracts;
using EventStream.EventStore.Privacy;

namespace EventStream.EventStore.Codec;

/// <summary>
/// The stored shape of <see cref="EventMetadata"/>: lower-case names as W3C and CloudEvents write them, nulls left out.
/// </summary>
internal sealed record StoredMetadata(
    [property: JsonPropertyName("traceparent")] string? TraceParent, string? Correlation, string? Causation,
    [property: JsonConverter(typeof(StoredActorConverter))] StoredActor? Actor,
    IReadOnlyDictionary<string, string>? Headers)
{
    private static readonly byte[] Nothing = "{}"u8.ToArray();

    public static byte[] Write(EventMetadata metadata, SubjectKey? key)
    {
        if (metadata == EventMetadata.None) return Nothing;
        var actor = metadata.Actor is null ? null
            : key is null ? new StoredActor(metadata.Actor, 0, null)
            : new StoredActor(null, key.Id, key.Protect(metadata.Actor));
        var stored = new StoredMetadata(
            metadata.TraceParent, metadata.Correlation, metadata.Causation, actor,
            metadata.Headers.Count == 0 ? null : metadata.Headers);
        return JsonSerializer.SerializeToUtf8Bytes(stored, StoredJson.Default.StoredMetadata);
    }

    /// <summary>Reads it; null with its number in <paramref name="missing"/> when a key has to be looked up.</summary>
    public static EventMetadata? Read(ReadOnlySpan<byte> json, SubjectKeys keys, ISet<long> missing)
    {
        if (json.SequenceEqual(Nothing)) return EventMetadata.None;
        var stored = JsonSerializer.Deserialize(json, StoredJson.Default.StoredMetadata);
        if (stored is null) return EventMetadata.None;
        var actor = stored.Actor?.Text;
        if (stored.Actor is { Cipher: { } cipher, Key: var id })
        {
            if (!keys.TryGet(id, out var key))
            {
                missing.Add(id);
                return null;
            }

            actor = key?.Reveal(cipher) ?? PersonalDataAttribute.Erased;
        }

        var metadata = new EventMetadata(stored.TraceParent, stored.Correlation, stored.Causation, actor);
        return stored.Headers is { } headers ? metadata with { Headers = headers } : metadata;
    }
}

/// <summary>Who acted, as it is stored: plainly in the oldest events, encrypted in all others.</summary>
internal sealed record StoredActor(string? Text, long Key, string? Cipher);

/// <summary>A text, or the object that <see cref="PersonalJson"/> describes.</summary>
internal sealed class StoredActorConverter : JsonConverter<StoredActor>
{
    public override StoredActor Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String) return new StoredActor(reader.GetString(), 0, null);
        var (key, cipher) = (0L, "");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isKey = reader.ValueTextEquals("$personal"u8);
            reader.Read();
            if (isKey) key = reader.GetInt64();
            else cipher = reader.GetString()!;
        }

        return new StoredActor(null, key, cipher);
    }

    public override void Write(Utf8JsonWriter writer, StoredActor value, JsonSerializerOptions options)
    {
        if (value.Cipher is null)
        {
            writer.WriteStringValue(value.Text);
            return;
        }

        writer.WriteStartObject();
        writer.WriteNumber("$personal"u8, value.Key);
        writer.WriteString("value"u8, value.Cipher);
        writer.WriteEndObject();
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StoredMetadata))]
internal sealed partial class StoredJson : JsonSerializerContext;
