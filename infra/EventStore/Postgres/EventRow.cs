using EventStream.EventStore.Codec;
using Npgsql;

namespace EventStream.EventStore.Postgres;

/// <summary>A row of the events table.</summary>
internal static class EventRow
{
    /// <summary>The columns of a stream that is known, in the order in which they are read.</summary>
    public const string OfStream = "position, version, id, name, data, metadata, recorded_at";

    /// <summary>The columns of any event. The tenant that most events have is not sent with each of them.</summary>
    public const string OfAny = $"{OfStream}, stream, nullif(tenant, '{Tenants.Default}')";

    /// <summary>The event of every row of a command whose columns are <see cref="OfAny"/>.</summary>
    public static Task<IReadOnlyList<RecordedEvent>> ReadAllAsync(
        NpgsqlCommand command, EventCodec codec, CancellationToken cancellation) =>
        ReadAllAsync(
            command, codec, row => Read(row, row.GetString(7), row.IsDBNull(8) ? Tenants.Default : row.GetString(8)),
            cancellation);

    /// <summary>The event of every row of a command whose columns are <see cref="OfStream"/>.</summary>
    public static Task<IReadOnlyList<RecordedEvent>> ReadAllAsync(
        NpgsqlCommand command, EventCodec codec, string tenant, string stream, CancellationToken cancellation) =>
        ReadAllAsync(command, codec, row => Read(row, stream, tenant), cancellation);

    private static StoredEvent Read(NpgsqlDataReader row, string stream, string tenant) => new(
        row.GetInt64(0), stream, row.GetInt64(1), row.GetGuid(2), row.GetString(3), row.GetFieldValue<byte[]>(4),
        row.GetFieldValue<byte[]>(5), row.GetFieldValue<DateTimeOffset>(6), tenant);

    private static async Task<IReadOnlyList<RecordedEvent>> ReadAllAsync(
        NpgsqlCommand command, EventCodec codec, Func<NpgsqlDataReader, StoredEvent> read,
        CancellationToken cancellation)
    {
        var decoder = codec.Decoder();
        await using (var reader = await command.ExecuteReaderAsync(cancellation))
            while (await reader.ReadAsync(cancellation)) decoder.Add(read(reader));
        return await decoder.EndAsync(cancellation);
    }
}
