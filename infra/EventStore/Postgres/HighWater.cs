using Npgsql;

namespace EventStream.EventStore.Postgres;

/// <summary>
/// Owns the truth about what is safe to read: the position up to which no transaction can still commit an event.
/// </summary>
/// <remarks>
/// Positions are drawn from a sequence before the commit, so a small one may become visible after a larger one, and a
/// rolled-back append leaves a gap for ever. A reader that simply took the largest visible position would miss
/// events. The reasoning:
/// <list type="number">
/// <item>An append has its transaction id before it draws a position (<c>append_events</c> first writes or locks a
/// row).</item>
/// <item>Read the sequence's last value S, and only then a snapshot with its upper bound X. Whoever drew a position
/// at or below S had drawn it, and so had its transaction id, before the snapshot: its id is below X.</item>
/// <item>Once every transaction below X has ended, which a later snapshot shows by a lower bound of at least X, each
/// position at or below S is either visible or belongs to a transaction that rolled back and will never appear. S is
/// then safe.</item>
/// </list>
/// Gaps of dead transactions are thus passed with proof and without waiting for a timeout. A transaction that writes
/// anywhere in the same PostgreSQL and stays open holds the mark back; <c>eventstream.store.lag</c> shows it.
/// </remarks>
public sealed class HighWater(NpgsqlDataSource source)
{
    /// <summary>Pending pairs of (S, X). More would only make the mark finer while a transaction stays open.</summary>
    private const int PendingMax = 64;

    private readonly Queue<(long Position, long Bound)> pending = new();
    private readonly SemaphoreSlim one = new(1, 1);
    private long newest;
    private long safe;

    /// <summary>The last mark known, without asking.</summary>
    public long Current => Volatile.Read(ref safe);

    /// <summary>Whether a position was drawn that was not safe when last asked.</summary>
    public bool HasPending { get; private set; }

    /// <summary>Asks the database and returns the mark, which never falls.</summary>
    public async Task<long> AdvanceAsync(CancellationToken cancellation)
    {
        await one.WaitAsync(cancellation);
        try
        {
            var (last, lower, upper) = await ObserveAsync(cancellation);
            if (lower == upper) pending.Clear();
            while (pending.TryPeek(out var oldest)
                && oldest.Bound <= lower) Volatile.Write(ref safe, pending.Dequeue().Position);
            if (lower == upper) Volatile.Write(ref safe, Math.Max(safe, last));
            else if (pending.Count < PendingMax
                && last > Math.Max(safe, newest)) pending.Enqueue((newest = last, upper));
            HasPending = last > safe;
            return safe;
        }
        finally
        {
            one.Release();
        }
    }

    /// <summary>
    /// Two statements in one round trip: the snapshot of the second is taken after the first has read the sequence.
    /// </summary>
    private async Task<(long Last, long Lower, long Upper)> ObserveAsync(CancellationToken cancellation)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(new("select case when is_called then last_value else 0 end from event_positions"));
        batch.BatchCommands.Add(new(
            """
            select pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint from pg_current_snapshot() as s
            """));
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        var last = reader.GetInt64(0);
        await reader.NextResultAsync(cancellation);
        await reader.ReadAsync(cancellation);
        return (last, reader.GetInt64(0), reader.GetInt64(1));
    }
}
