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
/// <item>An append has its transaction id before it draws a position (every function that appends asks for it).</item>
/// <item>Read the sequence's last value S, and only then draw a transaction id X of one's own. Ids are given in order,
/// so
/// whoever drew a position at or below S has an id below X.</item>
/// <item>Once every transaction below X has ended, which a snapshot shows by a lower bound of at least X, each position
/// at or below S is either visible or belongs to a transaction that rolled back and will never appear. S is then
/// safe.</item>
/// </list>
/// The upper bound of a snapshot cannot be X: it is one more than the newest id that has <em>ended</em>, so the newest
/// transactions that still run are not below it. An id is drawn only where the sequence has moved, never by a store
/// that
/// is quiet; its commit writes a few bytes of log and does not wait for the disk.
/// Gaps of dead transactions are thus passed with proof and without waiting for a timeout. A transaction that writes
/// anywhere in the same PostgreSQL and stays open holds the mark back; <c>eventstream.store.lag</c> shows it.
/// </remarks>
public sealed class HighWater(NpgsqlDataSource source)
{
    /// <summary>Pending pairs of (S, X). More would only make the mark finer while a transaction stays open.</summary>
    private const int PendingMax = 64;

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    private readonly Queue<(long Position, long Bound)> pending = new();
    private readonly SemaphoreSlim one = new(1, 1);
    private long newest;
    private long drawn;
    private long safe;

    /// <summary>The last mark known, without asking.</summary>
    public long Current => Volatile.Read(ref safe);

    /// <summary>Whether a position was drawn that was not safe when last asked.</summary>
    public bool HasPending => Volatile.Read(ref drawn) > Current;

    /// <summary>Asks the database and returns the mark, which never falls.</summary>
    public async Task<long> AdvanceAsync(CancellationToken cancellation)
    {
        await one.WaitAsync(cancellation);
        try
        {
            var known = pending.Count < PendingMax ? Math.Max(safe, newest) : long.MaxValue;
            var (last, bound, lower) = await ObserveAsync(known, cancellation);
            if (bound is { } id && last > known) pending.Enqueue((newest = last, id));
            while (pending.TryPeek(out var oldest)
                && oldest.Bound <= lower) Volatile.Write(ref safe, pending.Dequeue().Position);
            Volatile.Write(ref drawn, last);
            return safe;
        }
        finally
        {
            one.Release();
        }
    }

    /// <summary>
    /// Waits until everything that was committed before the call is safe to read, and returns the mark: what an
    /// export is to hold must not depend on who else has a transaction open. Throws
    /// <see cref="OpenTransactionException"/> when one stays open for longer than <paramref name="patience"/>.
    /// </summary>
    public async Task<long> SettleAsync(TimeSpan patience, TimeProvider time, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        var mark = await AdvanceAsync(cancellation);
        for (var committed = Volatile.Read(ref drawn); mark < committed; mark = await AdvanceAsync(cancellation))
        {
            if (time.GetElapsedTime(started) > patience)
                throw new OpenTransactionException(mark);
            await Task.Delay(Poll, time, cancellation);
        }

        return mark;
    }

    /// <summary>
    /// One round trip and one transaction: the last value; then, only if it is beyond what is known, an id; then the
    /// lower bound of a snapshot, which is that id itself where nothing older runs.
    /// </summary>
    private async Task<(long Last, long? Bound, long Lower)> ObserveAsync(long known, CancellationToken cancellation)
    {
        const string Last = "select case when is_called then last_value else 0 end from event_positions";
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(new(Last));
        batch.BatchCommands.Add(new($"select case when ({Last}) > $1 then pg_current_xact_id()::text::bigint end")
        {
            Parameters = { new NpgsqlParameter<long> { TypedValue = known } },
        });
        batch.BatchCommands.Add(new("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint"));
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        var last = reader.GetInt64(0);
        await reader.NextResultAsync(cancellation);
        await reader.ReadAsync(cancellation);
        var bound = reader.IsDBNull(0) ? (long?)null : reader.GetInt64(0);
        await reader.NextResultAsync(cancellation);
        await reader.ReadAsync(cancellation);
        return (last, bound, reader.GetInt64(0));
    }
}

/// <summary>Events that were committed cannot be read yet, since an older transaction may still commit some.</summary>
public sealed class OpenTransactionException(long mark) : Exception(
    $"Events after position {mark} are not safe to read: a transaction that began before them stays open on this "
    + "PostgreSQL. End it (the oldest xact_start in pg_stat_activity) and try again.");
