using Npgsql;

namespace EventStream.EventStore.Postgres;

/// <summary>
/// Sees to it that the partition of a position is there before the position is drawn: each process asks for the next
/// one when it first appends into a new one, a whole partition ahead of need. Should that have failed, the append that
/// finds none makes it and goes on.
/// </summary>
internal sealed class EventPartitions(NpgsqlDataSource source)
{
    /// <summary>Positions of one partition; <c>events_per_partition()</c> says the same to PostgreSQL.</summary>
    public const long Size = 8_388_608;

    private const string Create = "select create_event_partitions()";
    private long block = -1;

    /// <summary>Takes note of an append. Never waits.</summary>
    public void Appended(long position)
    {
        var current = position / Size;
        if (Interlocked.Exchange(ref block, current) == current) return;
        _ = EnsureQuietlyAsync();
    }

    /// <summary>Makes what is missing. Returns how many partitions that were.</summary>
    public async Task<int> EnsureAsync(CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Create);
        return (int)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>Whether an insert failed because its partition is not there.</summary>
    public static bool IsMissing(PostgresException e) =>
        e.SqlState == PostgresErrorCodes.CheckViolation && e.ConstraintName is null;

    private async Task EnsureQuietlyAsync()
    {
        try
        {
            await EnsureAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is NpgsqlException or ObjectDisposedException or InvalidOperationException)
        {
            // The next process to append asks again, and at the latest the append that finds none.
            Interlocked.Exchange(ref block, -1);
        }
    }
}
