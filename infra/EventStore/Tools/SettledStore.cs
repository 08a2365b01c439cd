using Npgsql;

namespace EventStream.EventStore.Tools;

/// <summary>
/// Up to where a store can be read so that nothing appears behind the reader later. An event's position is drawn
/// inside its transaction, so one that commits late has a smaller position than others that are visible already.
/// </summary>
public static class SettledStore
{
    /// <summary>How long a transaction may stay open before the reader gives up.</summary>
    public static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(30);

    private const string OldestOpen = "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint";

    private static readonly TimeSpan AskInterval = TimeSpan.FromMilliseconds(20);

    /// <summary>
    /// Waits until every transaction that is open at the call has ended and returns the largest position that was
    /// drawn before it. Throws <see cref="OpenTransactionException"/> when one stays open.
    /// </summary>
    public static async Task<long> WaitAsync(NpgsqlDataSource source, TimeProvider time, CancellationToken cancellation)
    {
        var last = await AskAsync(
            source,
            "select case when is_called then last_value else 0 end from mt_events_sequence",
            cancellation
        );
        // An append draws its positions an instant before it counts as a transaction.
        await Task.Delay(AskInterval, time, cancellation);
        var next = await AskAsync(source, "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint", cancellation);
        var began = time.GetTimestamp();
        while (await AskAsync(source, OldestOpen, cancellation) < next)
        {
            if (time.GetElapsedTime(began) > PatienceMax)
                throw new OpenTransactionException(PatienceMax);
            await Task.Delay(AskInterval, time, cancellation);
        }

        return last;
    }

    private static async Task<long> AskAsync(NpgsqlDataSource source, string sql, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }
}

/// <summary>A transaction of the server stays open, so that it is not known which events are still to come.</summary>
public sealed class OpenTransactionException(TimeSpan waited)
    : Exception(
        $"A transaction of this PostgreSQL has been open for more than {waited.TotalSeconds:0} seconds, so that events "
            + "may still appear before the end of what would be read. End it (pg_stat_activity lists it) and run the "
            + "command again."
    );
