using EventStream.Contracts;
using EventStream.EventStore.Postgres;
using Npgsql;

namespace EventStream.Upload.Uploads;

/// <summary>The uploads, in PostgreSQL, so that any replica can go on with one.</summary>
public sealed class UploadTable(NpgsqlDataSource source)
{
    private const string Columns =
        "video_id, publisher, length_bytes, metadata, sha256, state, trace_parent, created_at, expires_at, kind, "
        + "parts, idempotency_key, request_hash";

    private const string Insert =
        $"insert into uploads ({Columns}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

    /// <summary>Adds an upload; false where its publisher has one under the same idempotency key.</summary>
    public Task<bool> InsertAsync(UploadRecord upload, CancellationToken cancellation) =>
        ChangeAsync(
            $"{Insert} on conflict (publisher, idempotency_key) where idempotency_key is not null do nothing",
            cancellation,
            Values(upload)
        );

    /// <summary>The upload that a publisher made under an idempotency key, or null.</summary>
    public async Task<UploadRecord?> FindByKeyAsync(string publisher, string key, CancellationToken cancellation) =>
        (
            await ReadAsync(
                $"select {Columns} from uploads where publisher = $1 and idempotency_key = $2",
                cancellation,
                publisher,
                key
            )
        ).FirstOrDefault();

    /// <summary>
    /// Adds a final upload and takes its parts, all or none. False when a part is not whole, or was taken before.
    /// </summary>
    public async Task<bool> InsertFinalAsync(UploadRecord upload, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using var take = new NpgsqlCommand(
            """
            update uploads set state = 'joined', final_id = $1
            where video_id = any($2) and kind = 'partial' and state = 'completed'
            """,
            connection
        ).With(upload.VideoId.Value, Ids(upload.Parts));
        await using var insert = new NpgsqlCommand(Insert, connection).With(Values(upload));
        if (await take.ExecuteNonQueryAsync(cancellation) != upload.Parts.Count)
            return false;
        await insert.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        return true;
    }

    public async Task<UploadRecord?> FindAsync(VideoId id, CancellationToken cancellation) =>
        (await ListAsync([id], cancellation)).FirstOrDefault();

    /// <summary>The final upload that was made from exactly these parts, or null.</summary>
    public async Task<UploadRecord?> FindFinalAsync(IReadOnlyList<VideoId> parts, CancellationToken cancellation) =>
        (
            await ReadAsync(
                $"""
                select {Columns} from uploads
                where video_id = (select final_id from uploads where video_id = $1) and parts = $2
                """,
                cancellation,
                parts[0].Value,
                Ids(parts)
            )
        ).FirstOrDefault();

    /// <summary>Those of the ids that are there, in no order.</summary>
    public Task<List<UploadRecord>> ListAsync(IReadOnlyList<VideoId> ids, CancellationToken cancellation) =>
        ReadAsync($"select {Columns} from uploads where video_id = any($1)", cancellation, Ids(ids));

    /// <summary>
    /// Open uploads and parts that wait to be joined, oldest first, at most <paramref name="max"/> after an id.
    /// </summary>
    public Task<List<UploadRecord>> ListUnsettledAsync(VideoId after, int max, CancellationToken cancellation) =>
        ReadAsync(
            $"""
            select {Columns} from uploads
            where (state = 'open' or (kind = 'partial' and state = 'completed')) and video_id > $1
            order by video_id limit $2
            """,
            cancellation,
            after.Value,
            max
        );

    /// <summary>
    /// What a publisher holds: unfinished uploads, with parts that wait to be joined, and the bytes announced for them
    /// and for its finished files. An upload whose length is not known yet counts as <paramref name="unknownBytes"/>.
    /// </summary>
    public async Task<(long Unfinished, long Bytes)> HeldAsync(
        string publisher,
        long unknownBytes,
        CancellationToken cancellation
    )
    {
        await using var command = source.Command(
            """
            select count(*) filter (where state = 'open' or kind = 'partial'),
                coalesce(sum(coalesce(length_bytes, $2)), 0)::bigint
            from uploads where publisher = $1 and state in ('open', 'completed')
            """,
            publisher,
            unknownBytes
        );
        await using var row = await command.ExecuteReaderAsync(cancellation);
        await row.ReadAsync(cancellation);
        return (row.GetInt64(0), row.GetInt64(1));
    }

    /// <summary>Sets the length of an upload that has none.</summary>
    public Task SetLengthAsync(VideoId id, long lengthBytes, CancellationToken cancellation) =>
        ChangeAsync(
            "update uploads set length_bytes = $2 where video_id = $1 and length_bytes is null",
            cancellation,
            id.Value,
            lengthBytes
        );

    /// <summary>Takes the length of an open upload away.</summary>
    public Task ForgetLengthAsync(VideoId id, CancellationToken cancellation) =>
        ChangeAsync(
            "update uploads set length_bytes = null where video_id = $1 and state = 'open'",
            cancellation,
            id.Value
        );

    /// <summary>Ends an open upload, or a part that waits; one that has ended stays as it is.</summary>
    public Task EndAsync(VideoId id, string state, CancellationToken cancellation) =>
        ChangeAsync(
            """
            update uploads set state = $2
            where video_id = $1 and (state = 'open' or (kind = 'partial' and state = 'completed'))
            """,
            cancellation,
            id.Value,
            state
        );

    /// <summary>The video of a finished upload is deleted, so that nothing of it counts any more.</summary>
    public Task ForgetAsync(VideoId id, CancellationToken cancellation) =>
        ChangeAsync(
            "update uploads set state = 'deleted' where video_id = $1 and state = 'completed'",
            cancellation,
            id.Value
        );

    public Task ExtendAsync(VideoId id, DateTimeOffset expiresAt, CancellationToken cancellation) =>
        ChangeAsync("update uploads set expires_at = $2 where video_id = $1", cancellation, id.Value, expiresAt);

    /// <summary>
    /// Takes or renews the right to write for <paramref name="duration"/>; false while another writer has it.
    /// </summary>
    public Task<bool> LeaseAsync(VideoId id, Guid writer, TimeSpan duration, CancellationToken cancellation) =>
        ChangeAsync(
            """
            update uploads set writer = $2, writer_until = clock_timestamp() + $3
            where video_id = $1 and (writer is null or writer = $2 or writer_until < clock_timestamp())
            """,
            cancellation,
            id.Value,
            writer,
            duration
        );

    /// <summary>Gives the right to write back.</summary>
    public Task ReleaseAsync(VideoId id, Guid writer, CancellationToken cancellation) =>
        ChangeAsync(
            "update uploads set writer = null, writer_until = null where video_id = $1 and writer = $2",
            cancellation,
            id.Value,
            writer
        );

    private static object?[] Values(UploadRecord upload) =>
        [
            upload.VideoId.Value,
            upload.Publisher,
            upload.LengthBytes,
            upload.Metadata,
            upload.Sha256,
            upload.State,
            upload.TraceParent,
            upload.CreatedAt,
            upload.ExpiresAt,
            upload.Kind,
            Ids(upload.Parts),
            upload.IdempotencyKey,
            upload.RequestHash,
        ];

    private static Guid[] Ids(IReadOnlyList<VideoId> ids) => [.. ids.Select(id => id.Value)];

    /// <summary>Whether one row was changed.</summary>
    private async Task<bool> ChangeAsync(string sql, CancellationToken cancellation, params object?[] values)
    {
        await using var command = source.Command(sql, values);
        return await command.ExecuteNonQueryAsync(cancellation) == 1;
    }

    private async Task<List<UploadRecord>> ReadAsync(
        string sql,
        CancellationToken cancellation,
        params object?[] values
    )
    {
        await using var command = source.Command(sql, values);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var found = new List<UploadRecord>();
        while (await row.ReadAsync(cancellation))
        {
            found.Add(
                new UploadRecord(
                    new VideoId(row.GetGuid(0)),
                    row.GetString(1),
                    row.IsDBNull(2) ? null : row.GetInt64(2),
                    row.GetString(3),
                    row.IsDBNull(4) ? null : row.GetString(4),
                    row.GetString(5),
                    row.IsDBNull(6) ? null : row.GetString(6),
                    row.GetFieldValue<DateTimeOffset>(7),
                    row.GetFieldValue<DateTimeOffset>(8)
                )
                {
                    Kind = row.GetString(9),
                    Parts = row.IsDBNull(10) ? [] : [.. row.GetFieldValue<Guid[]>(10).Select(id => new VideoId(id))],
                    IdempotencyKey = row.IsDBNull(11) ? null : row.GetString(11),
                    RequestHash = row.IsDBNull(12) ? null : row.GetString(12),
                }
            );
        }

        return found;
    }
}
