using EventStream.EventStore.Postgres;
using Npgsql;

namespace EventStream.Upload.Webhooks;

/// <summary>The hooks of publishers, in PostgreSQL.</summary>
public sealed class WebhookTable(NpgsqlDataSource source)
{
    private const string Columns = "id, url, events, state, trouble, created_at";

    /// <summary>Adds a hook; false where its publisher has one under the same idempotency key.</summary>
    internal async Task<bool> InsertAsync(
        Webhook hook,
        string publisher,
        string secret,
        string? key,
        string? requestHash,
        CancellationToken cancellation
    ) =>
        await ExecuteAsync(
            """
            insert into webhooks (id, publisher, url, events, secret, created_at, idempotency_key, request_hash)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            on conflict (publisher, idempotency_key) where idempotency_key is not null do nothing
            """,
            cancellation,
            hook.Id,
            publisher,
            hook.Url,
            hook.Events.ToArray(),
            secret,
            hook.CreatedAt,
            key,
            requestHash
        ) == 1;

    /// <summary>
    /// The hook that a publisher made under an idempotency key, with its secret as it is stored and the hash of its
    /// request.
    /// </summary>
    internal async Task<(Webhook Hook, string Secret, string? RequestHash)?> FindByKeyAsync(
        string publisher,
        string key,
        CancellationToken cancellation
    )
    {
        await using var command = source.Command(
            $"select {Columns}, secret, request_hash from webhooks where publisher = $1 and idempotency_key = $2",
            publisher,
            key
        );
        await using var row = await command.ExecuteReaderAsync(cancellation);
        if (!await row.ReadAsync(cancellation))
            return null;
        return (Read(row), row.GetString(6), row.IsDBNull(7) ? null : row.GetString(7));
    }

    /// <summary>A hook of one publisher, or of any where it is null.</summary>
    public async Task<Webhook?> FindAsync(Guid id, string? publisher, CancellationToken cancellation)
    {
        var found = await ListAsync(
            $"select {Columns} from webhooks where id = $1 and publisher = coalesce($2, publisher)",
            cancellation,
            id,
            publisher
        );
        return found.Count == 1 ? found[0] : null;
    }

    /// <summary>The hooks of a publisher, oldest first.</summary>
    public Task<IReadOnlyList<Webhook>> ListAsync(string publisher, CancellationToken cancellation) =>
        ListAsync(
            $"select {Columns} from webhooks where publisher = $1 order by created_at, id",
            cancellation,
            publisher
        );

    /// <summary>Removes a hook with its log.</summary>
    public Task DeleteAsync(Guid id, CancellationToken cancellation) =>
        ExecuteAsync("delete from webhooks where id = $1", cancellation, id);

    /// <summary>A hook is called no more; what waits for it has failed.</summary>
    public Task DisableAsync(Guid id, string trouble, CancellationToken cancellation) =>
        ExecuteAsync(
            """
            with disabled as (
                update webhooks set state = 'disabled', trouble = $2, busy_until = null where id = $1 returning id)
            update webhook_deliveries set state = 'failed', due_at = null, trouble = coalesce(trouble, $2)
            from disabled where webhook_id = disabled.id and due_at is not null
            """,
            cancellation,
            id,
            trouble
        );

    /// <summary>
    /// At most <paramref name="max"/> hooks with calls that are due, which belong to this sender for
    /// <paramref name="lease"/>: no other one calls them, so that a slow receiver holds up itself only.
    /// </summary>
    internal async Task<IReadOnlyList<WebhookTarget>> ClaimAsync(
        DateTimeOffset now,
        TimeSpan lease,
        int max,
        CancellationToken cancellation
    )
    {
        await using var command = source.Command(
            """
            update webhooks set busy_until = $2 where id in (
                select id from webhooks w
                where state = 'active' and (busy_until is null or busy_until <= $1) and exists (
                    select from webhook_deliveries d where d.webhook_id = w.id and d.due_at <= $1)
                order by busy_until nulls first limit $3 for update skip locked)
            returning id, url, secret
            """,
            now,
            now + lease,
            max
        );
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var claimed = new List<WebhookTarget>();
        while (await row.ReadAsync(cancellation))
            claimed.Add(new WebhookTarget(row.GetGuid(0), row.GetString(1), row.GetString(2)));
        return claimed;
    }

    /// <summary>The sender has done what it could; hooks whose last turn was earlier come first.</summary>
    internal Task ReleaseAsync(Guid id, DateTimeOffset now, CancellationToken cancellation) =>
        ExecuteAsync("update webhooks set busy_until = $2 where id = $1", cancellation, id, now);

    private async Task<IReadOnlyList<Webhook>> ListAsync(
        string sql,
        CancellationToken cancellation,
        params object?[] values
    )
    {
        await using var command = source.Command(sql, values);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var found = new List<Webhook>();
        while (await row.ReadAsync(cancellation))
            found.Add(Read(row));
        return found;
    }

    private static Webhook Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetString(1),
            row.GetFieldValue<string[]>(2),
            row.GetString(3),
            row.IsDBNull(4) ? null : row.GetString(4),
            row.GetFieldValue<DateTimeOffset>(5)
        );

    private async Task<int> ExecuteAsync(string sql, CancellationToken cancellation, params object?[] values)
    {
        await using var command = source.Command(sql, values);
        return await command.ExecuteNonQueryAsync(cancellation);
    }
}
