using System.Text;
using EventStream.EventStore.Codec;
using Npgsql;

namespace EventStream.EventStore.Postgres;

/// <summary>
/// Reads rows of the events table. What a row holds lies in memory of the reader until the next row: of a page only
/// its events are kept.
/// </summary>
internal sealed class EventRow(NpgsqlDataReader rows)
{
    /// <summary>The columns of a stream that is known, in the order in which they are read.</summary>
    public const string OfStream = "position, version, id, name, data, metadata, recorded_at";

    /// <summary>The columns of any event. The tenant that most events have is not sent with each of them.</summary>
    public const string OfAny = $"{OfStream}, stream, nullif(tenant, '{Tenants.Default}')";

    /// <summary>What the binary form of jsonb, one byte of version before the text, has in front.</summary>
    private const int JsonbVersionBytes = 1;

    private byte[] data = [];
    private byte[] metadata = [];
    private byte[] nameBytes = [];
    private string name = "";

    /// <summary>The event of every row of a command whose columns are <see cref="OfAny"/>.</summary>
    public static async Task<IReadOnlyList<RecordedEvent>> ReadAllAsync(
        NpgsqlCommand command, EventCodec codec, CancellationToken cancellation)
    {
        var decoder = codec.Decoder();
        await using (var rows = await command.ExecuteReaderAsync(cancellation))
        {
            var row = new EventRow(rows);
            while (await rows.ReadAsync(cancellation))
                decoder.Add(row.Read(rows.GetString(7), rows.IsDBNull(8) ? Tenants.Default : rows.GetString(8)));
        }

        return await decoder.EndAsync(cancellation);
    }

    /// <summary>
    /// The event of every row of the last command of a batch, whose columns are <see cref="OfStream"/>.
    /// </summary>
    public static async Task<IReadOnlyList<RecordedEvent>> ReadLastAsync(
        NpgsqlBatch batch, EventCodec codec, string tenant, string stream, CancellationToken cancellation)
    {
        var decoder = codec.Decoder();
        await using (var rows = await batch.ExecuteReaderAsync(cancellation))
        {
            for (var i = 1; i < batch.BatchCommands.Count; i++) await rows.NextResultAsync(cancellation);
            var row = new EventRow(rows);
            while (await rows.ReadAsync(cancellation)) decoder.Add(row.Read(stream, tenant));
        }

        return await decoder.EndAsync(cancellation);
    }

    private StoredEvent Read(string stream, string tenant) => new(
        rows.GetInt64(0), stream, rows.GetInt64(1), rows.GetGuid(2), Name(), Json(4, ref data), Json(5, ref metadata),
        rows.GetFieldValue<DateTimeOffset>(6), tenant);

    /// <summary>Most events have the name of the one before.</summary>
    private string Name()
    {
        var bytes = Bytes(3, 0, ref nameBytes).Span;
        if (!Ascii.Equals(bytes, name)) name = Encoding.UTF8.GetString(bytes);
        return name;
    }

    private ReadOnlyMemory<byte> Json(int column, ref byte[] into) => Bytes(column, JsonbVersionBytes, ref into);

    private ReadOnlyMemory<byte> Bytes(int column, int from, ref byte[] into)
    {
        var length = (int)rows.GetBytes(column, 0, null, 0, 0) - from;
        if (into.Length < length) into = new byte[Math.Max(length, 2 * into.Length)];
        return into.AsMemory(0, (int)rows.GetBytes(column, from, into, 0, length));
    }
}
