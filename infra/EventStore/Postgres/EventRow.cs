using System.Text.Json;
using System.Text.Json.Serialization;
using EventStream.Contracts;
using Npgsql;

namespace EventStream.EventStore.Postgres;

/// <summary>A row of the events table and what it means. The one place that reads stored JSON.</summary>
internal static class EventRow
{
    /// <summary>
    /// Reads the columns position, stream, version, id, name, data, metadata, recorded_at in that order.
    /// </summary>
    public static RecordedEvent Read(NpgsqlDataReader row)
    {
        var name = row.GetString(4);
        return new RecordedEvent(
            row.GetInt64(0), row.GetString(1), row.GetInt64(2), row.GetGuid(3), name,
            (IEvent)MessageTypes.Read(name, row.GetFieldValue<byte[]>(5)),
            JsonSerializer.Deserialize(row.GetFieldValue<byte[]>(6),
                MetadataJson.Default.EventMetadata) ?? EventMetadata.None,
            row.GetFieldValue<DateTimeOffset>(7));
    }

    public static byte[] Write(EventMetadata metadata) =>
        JsonSerializer.SerializeToUtf8Bytes(metadata, MetadataJson.Default.EventMetadata);
}

/// <summary>
/// The stored shape of <see cref="EventMetadata"/>: lower-case names as W3C and CloudEvents write them, nulls left
/// out.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(EventMetadata))]
internal sealed partial class MetadataJson : JsonSerializerContext;
