using System.Text.Json;
using EventStream.Contracts;

namespace EventStream.EventStore.Tools;

/// <summary>
/// One stored event as a line of NDJSON: position, tenant, stream, version, id, type, recordedAt, metadata, data, and
/// archived where its stream is. A stream is named <c>category-id</c>, such as <c>video-0190...</c>. Personal data is
/// plain text in it.
/// </summary>
public sealed record ExportedEvent(
    long Position,
    string Category,
    Guid Stream,
    long Version,
    Guid Id,
    DateTimeOffset RecordedAt,
    EventMetadata Metadata,
    IMessage Data
)
{
    /// <summary>The one tenant of every store.</summary>
    private const string Tenant = "default";

    /// <summary>Whether its stream takes no more events.</summary>
    public bool IsArchived { get; init; }

    /// <summary>Writes the line with its line feed.</summary>
    public void WriteTo(Stream output)
    {
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartObject();
            json.WriteNumber("position", Position);
            json.WriteString("tenant", Tenant);
            json.WriteString("stream", $"{Category}-{Stream:D}");
            json.WriteNumber("version", Version);
            json.WriteString("id", Id);
            json.WriteString("type", MessageTypes.NameOf(Data.GetType()));
            json.WriteString("recordedAt", RecordedAt);
            WriteMetadata(json, Metadata);
            json.WritePropertyName("data");
            json.WriteRawValue(MessageTypes.Write(Data));
            if (IsArchived)
                json.WriteBoolean("archived", true);
            json.WriteEndObject();
        }

        output.WriteByte((byte)'\n');
    }

    /// <summary>
    /// Reads a line. Throws <see cref="InvalidDataException"/>, which says what is wrong with it, for anything else.
    /// </summary>
    public static ExportedEvent Read(string line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            return Read(json.RootElement);
        }
        catch (Exception e)
            when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"it is no exported event ({e.Message})", e);
        }
    }

    private static ExportedEvent Read(JsonElement json)
    {
        var stream = json.GetProperty("stream").GetString()!;
        var hyphen = stream.IndexOf('-', StringComparison.Ordinal);
        if (hyphen < 1 || !Guid.TryParse(stream.AsSpan(hyphen + 1), out var id))
            throw new InvalidDataException($"its stream '{stream}' is not a category, a hyphen and a UUID");
        var tenant = json.GetProperty("tenant").GetString();
        if (tenant != Tenant)
            throw new InvalidDataException(
                $"it belongs to the tenant '{tenant}', and a store has the tenant '{Tenant}' only"
            );
        var type = json.GetProperty("type").GetString()!;
        if (MessageTypes.TypeOf(type) is null)
            throw new InvalidDataException($"its type '{type}' is unknown: use a newer release of this program");
        return new ExportedEvent(
            json.GetProperty("position").GetInt64(),
            stream[..hyphen],
            id,
            json.GetProperty("version").GetInt64(),
            json.GetProperty("id").GetGuid(),
            json.GetProperty("recordedAt").GetDateTimeOffset(),
            ReadMetadata(json.GetProperty("metadata")),
            MessageTypes.Read(type, JsonSerializer.SerializeToUtf8Bytes(json.GetProperty("data")))
        )
        {
            IsArchived = json.TryGetProperty("archived", out var archived) && archived.GetBoolean(),
        };
    }

    private static void WriteMetadata(Utf8JsonWriter json, EventMetadata metadata)
    {
        json.WriteStartObject("metadata");
        if (metadata.TraceParent is { } trace)
            json.WriteString("traceparent", trace);
        if (metadata.Correlation is { } correlation)
            json.WriteString("correlation", correlation);
        if (metadata.Causation is { } causation)
            json.WriteString("causation", causation);
        if (metadata.Actor is { } actor)
            json.WriteString("actor", actor);
        foreach (var (name, value) in metadata.Headers)
            json.WriteString(name, value);
        json.WriteEndObject();
    }

    private static EventMetadata ReadMetadata(JsonElement json)
    {
        var all = json.EnumerateObject()
            .ToDictionary(member => member.Name, member => member.Value.GetString()!, StringComparer.Ordinal);
        string? Take(string name) => all.Remove(name, out var value) ? value : null;
        var metadata = new EventMetadata(Take("traceparent"), Take("correlation"), Take("causation"), Take("actor"));
        return all.Count == 0 ? metadata : metadata with { Headers = all };
    }
}
