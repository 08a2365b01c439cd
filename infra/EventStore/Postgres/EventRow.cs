using EventStream.EventStore.Codec;
using Npgsql;

namespace EventStream.EventStore.Postgres;

/// <summary>A row of the events table.</summary>
internal static class EventRow
{
    /// <summary>What <see cref="Read"/> expects, in this order.</summary>
    public const string Columns = "position, stream, version, id, name, data, metadata, recorded_at, tenant";

    public static StoredEvent Read(NpgsqlDataReader row) => new(
        row.GetInt64(0), row.GetString(1), row.GetInt64(2), row.GetGuid(3), row.GetString(4),
        row.GetFieldValue<byte[]>(5), row.GetFieldValue<byte[]>(6), row.GetFieldValue<DateTimeOffset>(7),
        row.GetString(8));

    /// <summary>Every row of a command.</summary>
    public static async Task<List<StoredEvent>> ReadAllAsync(NpgsqlCommand command, CancellationToken cancellation)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<StoredEvent>();
        while (await reader.ReadAsync(cancellation)) rows.Add(Read(reader));
        return rows;
    }
}
