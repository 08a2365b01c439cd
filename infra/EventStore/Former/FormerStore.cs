using EventStream.EventStore.Postgres;
using Npgsql;

namespace EventStream.EventStore.Former;

/// <summary>
/// The store of the releases before Marten: one schema, <c>eventstream</c>, with the events of every service. A program
/// of this release leaves it as it is and does not run beside it until its events are imported.
/// </summary>
public static class FormerStore
{
    /// <summary>
    /// Throws <see cref="FormerStoreException"/> where a former schema of the database holds events of a category that
    /// the service's schema does not hold. Their newest is looked for by its id.
    /// </summary>
    public static async Task CheckAsync(
        NpgsqlDataSource source,
        string former,
        string category,
        string schema,
        CancellationToken cancellation
    )
    {
        const string Exists = "select to_regclass($1) is not null";
        if (!await IsAsync(source, Exists, $"{former}.event_positions", cancellation))
            return;
        if (await NewestAsync(source, former, category, cancellation) is not { } newest)
            return;
        if (
            await IsAsync(source, Exists, $"{schema}.mt_events", cancellation)
            && await IsAsync(
                source,
                $"select exists (select from {schema}.mt_events where id = $1)",
                newest.Id,
                cancellation
            )
        )
            return;
        throw new FormerStoreException(former, category, newest.Position);
    }

    private static async Task<(long Position, Guid Id)?> NewestAsync(
        NpgsqlDataSource source,
        string former,
        string category,
        CancellationToken cancellation
    )
    {
        await using var command = source.Command(
            $"""
            select position, id from {former}.events where stream like $1 and name <> 'store.erased.v1'
            order by position desc limit 1
            """,
            $"{category}-%"
        );
        await using var row = await command.ExecuteReaderAsync(cancellation);
        return await row.ReadAsync(cancellation) ? (row.GetInt64(0), row.GetGuid(1)) : null;
    }

    private static async Task<bool> IsAsync(
        NpgsqlDataSource source,
        string sql,
        object value,
        CancellationToken cancellation
    )
    {
        await using var command = source.Command(sql, value);
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }
}

/// <summary>The database holds a store of a former release whose events are not imported.</summary>
public sealed class FormerStoreException(string schema, string category, long position)
    : Exception(
        $"The database holds the store of a former release (schema '{schema}') with events of '{category}-*' up to "
            + $"position {position} that are not imported; nothing was changed. With the former release running, write "
            + "them to a file: `eventstream store export --out events.ndjson`. Stop it, and with this release run "
            + "`eventstream store migrate` and `eventstream store import events.ndjson`, with the same --data DIR or "
            + "the same settings. Then start again."
    );
