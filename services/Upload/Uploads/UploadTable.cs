using EventStream.Contracts;
using Npgsql;

namespace EventStream.Upload.Uploads;

/// <summary>The uploads, in PostgreSQL, so that any replica can go on with one.</summary>
public sealed class UploadTable(NpgsqlDataSource source)
{
    private const string Columns =
        "video_id, publisher, length_bytes, metadata, sha256, state, trace_parent, created_at, expires_at";

    public async Task InsertAsync(UploadRecord upload, CancellationToken cancellation)
    {
        await using var command = Command(
            $"insert into uploads ({Columns}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            upload.VideoId.Value, upload.Publisher, upload.LengthBytes, upload.Metadata, upload.Sha256, upload.State,
            upload.TraceParent, upload.CreatedAt, upload.ExpiresAt);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    public async Task<UploadRecord?> FindAsync(VideoId id, CancellationToken cancellation) =>
        (await ListAsync(
            Command($"select {Columns} from uploads where video_id = $1", id.Value), cancellation)).FirstOrDefault();

    /// <summary>Open uploads, oldest first, at most <paramref name="max"/> after a video id.</summary>
    public Task<List<UploadRecord>> ListOpenAsync(VideoId after, int max, CancellationToken cancellation) => ListAsync(
        Command(
            $"select {Columns} from uploads where state = 'open' and video_id > $1 order by video_id limit $2",
            after.Value, max),
        cancellation);

    public async Task<long> CountOpenAsync(string publisher, CancellationToken cancellation)
    {
        await using var command = Command(
            "select count(*) from uploads where state = 'open' and publisher = $1", publisher);
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>Ends an open upload; one that has ended stays as it is.</summary>
    public async Task EndAsync(VideoId id, string state, CancellationToken cancellation)
    {
        await using var command =
            Command("update uploads set state = $2 where video_id = $1 and state = 'open'", id.Value, state);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    public async Task ExtendAsync(VideoId id, DateTimeOffset expiresAt, CancellationToken cancellation)
    {
        await using var command =
            Command("update uploads set expires_at = $2 where video_id = $1", id.Value, expiresAt);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>
    /// Takes or renews the right to write for <paramref name="duration"/>; false while another writer has it.
    /// </summary>
    public async Task<bool> LeaseAsync(VideoId id, Guid writer, TimeSpan duration, CancellationToken cancellation)
    {
        await using var command = Command(
            """
            update uploads set writer = $2, writer_until = clock_timestamp() + $3
            where video_id = $1 and (writer is null or writer = $2 or writer_until < clock_timestamp())
            """,
            id.Value, writer, duration);
        return await command.ExecuteNonQueryAsync(cancellation) == 1;
    }

    /// <summary>Gives the right to write back.</summary>
    public async Task ReleaseAsync(VideoId id, Guid writer, CancellationToken cancellation)
    {
        await using var command = Command(
            "update uploads set writer = null, writer_until = null where video_id = $1 and writer = "
                + "$2", id.Value, writer);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private NpgsqlCommand Command(string sql, params object?[] values)
    {
        var command = source.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter
            {
                Value = value is DateTimeOffset time ? time.ToUniversalTime() : value ?? DBNull.Value,
            });
        }

        return command;
    }

    private static async Task<List<UploadRecord>> ListAsync(NpgsqlCommand command, CancellationToken cancellation)
    {
        await using var disposed = command;
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var found = new List<UploadRecord>();
        while (await row.ReadAsync(cancellation))
        {
            found.Add(new UploadRecord(
                new VideoId(row.GetGuid(0)), row.GetString(1), row.GetInt64(2), row.GetString(3),
                row.IsDBNull(4) ? null : row.GetString(4), row.GetString(5), row.IsDBNull(6) ? null : row.GetString(6),
                row.GetFieldValue<DateTimeOffset>(7), row.GetFieldValue<DateTimeOffset>(8)));
        }

        return found;
    }
}
