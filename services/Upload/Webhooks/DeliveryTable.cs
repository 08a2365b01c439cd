using EventStream.Contracts;
using EventStream.EventStore.Postgres;
using Npgsql;

namespace EventStream.Upload.Webhooks;

/// <summary>The calls that are to be made and were made, in PostgreSQL: queue and log in one.</summary>
public sealed class DeliveryTable(NpgsqlDataSource source)
{
    /// <summary>
    /// Queues an event of a video for every active hook of its publisher that wants it and was there when it happened.
    /// The same event again queues nothing.
    /// </summary>
    internal Task QueueAsync(
        string eventId,
        string type,
        VideoId video,
        string payload,
        DateTimeOffset happenedAt,
        DateTimeOffset now,
        CancellationToken cancellation
    ) =>
        ExecuteAsync(
            """
            insert into webhook_deliveries (webhook_id, event_id, type, video_id, payload, created_at, due_at)
            select w.id, $1, $2, $3, $4, $6, $6
            from webhooks w join uploads u on u.publisher = w.publisher
            where u.video_id = $3 and w.state = 'active' and w.created_at <= $5
                and (cardinality(w.events) = 0 or $2 = any(w.events))
            on conflict (webhook_id, event_id) do nothing
            """,
            cancellation,
            eventId,
            type,
            video.Value,
            payload,
            happenedAt,
            now
        );

    /// <summary>The oldest due calls of a hook.</summary>
    internal async Task<IReadOnlyList<WebhookCall>> DueAsync(
        Guid hook,
        DateTimeOffset now,
        int max,
        CancellationToken cancellation
    )
    {
        await using var command = source.Command(
            """
            select id, payload, attempts from webhook_deliveries
            where webhook_id = $1 and due_at <= $2 order by due_at, created_at limit $3
            """,
            hook,
            now,
            max
        );
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var due = new List<WebhookCall>();
        while (await row.ReadAsync(cancellation))
            due.Add(new WebhookCall(row.GetGuid(0), row.GetString(1), row.GetInt32(2)));
        return due;
    }

    /// <summary>Notes an attempt: another one follows at <paramref name="dueAt"/>, or none where it is null.</summary>
    internal Task AttemptedAsync(
        Guid id,
        string state,
        int? status,
        string? trouble,
        DateTimeOffset now,
        DateTimeOffset? dueAt,
        CancellationToken cancellation
    ) =>
        ExecuteAsync(
            """
            update webhook_deliveries
            set state = $2, attempts = attempts + 1, status = $3::int, trouble = $4::text, attempted_at = $5,
                due_at = $6::timestamptz
            where id = $1
            """,
            cancellation,
            id,
            state,
            status,
            trouble,
            now,
            dueAt
        );

    /// <summary>The newest calls of a hook.</summary>
    public async Task<IReadOnlyList<WebhookDelivery>> NewestAsync(Guid hook, int limit, CancellationToken cancellation)
    {
        await using var command = source.Command(
            """
            select id, type, video_id, state, attempts, created_at, due_at, attempted_at, status, trouble
            from webhook_deliveries where webhook_id = $1 order by created_at desc, id limit $2
            """,
            hook,
            limit
        );
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var found = new List<WebhookDelivery>();
        while (await row.ReadAsync(cancellation))
            found.Add(
                new WebhookDelivery(
                    row.GetGuid(0),
                    row.GetString(1),
                    new VideoId(row.GetGuid(2)),
                    row.GetString(3),
                    row.GetInt32(4),
                    row.GetFieldValue<DateTimeOffset>(5),
                    row.IsDBNull(6) ? null : row.GetFieldValue<DateTimeOffset>(6),
                    row.IsDBNull(7) ? null : row.GetFieldValue<DateTimeOffset>(7),
                    row.IsDBNull(8) ? null : row.GetInt32(8),
                    row.IsDBNull(9) ? null : row.GetString(9)
                )
            );
        return found;
    }

    /// <summary>Forgets calls that are older than the log is kept.</summary>
    public Task PruneAsync(DateTimeOffset before, CancellationToken cancellation) =>
        ExecuteAsync("delete from webhook_deliveries where created_at < $1", cancellation, before);

    private async Task ExecuteAsync(string sql, CancellationToken cancellation, params object?[] values)
    {
        await using var command = source.Command(sql, values);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
