using EventStream.EventStore.Projections;
using Npgsql;

namespace EventStream.EventStore.Daemon;

/// <summary>
/// Takes one reader through the events: filters, hands over, tries again, applies the error policy. It runs in the
/// process that owns the reader's name.
/// </summary>
internal sealed class ShardWorker(
    Subscription subscription, Checkpoint checkpoint, EventPages pages, NpgsqlDataSource source, TimeProvider time)
{
    /// <summary>
    /// Positions of events that do not concern the reader are kept at most so often: they cost a transaction.
    /// </summary>
    private static readonly TimeSpan IdleMoveInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>The pause after PostgreSQL or Kafka failed, doubled each time up to <see
    /// cref="OutagePauseMax"/>.</summary>
    private static readonly TimeSpan OutagePause = TimeSpan.FromMilliseconds(200);

    private static readonly TimeSpan OutagePauseMax = TimeSpan.FromSeconds(5);

    private readonly HashSet<long> skipped = [];
    private long reached = checkpoint.Position;
    private long movedAt;
    private long failedAt = -1;
    private int attempts;
    private int outages;

    /// <summary>Every event up to here is handled, also where the checkpoint does not say so yet.</summary>
    public long Reached => Volatile.Read(ref reached);

    /// <summary>What went wrong last and is being tried again, or null.</summary>
    public string? Trouble { get; private set; }

    /// <summary>Follows the mark until cancelled, until another process takes over, or until the policy says
    /// stop.</summary>
    public Task FollowAsync(MarkWatch mark, CancellationToken cancellation) =>
        PersistAsync(() => pages.Follow(Reached, subscription.BatchMax, mark, cancellation), follows: true,
            cancellation);

    /// <summary>Handles everything up to a position. Returns false where the policy said stop.</summary>
    public Task<bool> CatchUpAsync(long upTo, CancellationToken cancellation) =>
        PersistAsync(
            () => pages.ReadTo(Reached, upTo, subscription.BatchMax, cancellation), follows: false, cancellation);

    /// <summary>
    /// Handles what is left up to a position in a transaction that is the caller's. It moves nothing but what that
    /// transaction holds, so that an attempt which is rolled back may be made again with other events in between.
    /// Throws what a batch can throw; the policy is for <see cref="CatchUpAsync"/> to apply.
    /// </summary>
    public async Task CatchUpWithinAsync(NpgsqlConnection connection, long upTo, CancellationToken cancellation)
    {
        var shard = (ProjectionShard)subscription;
        await foreach (var page in pages.ReadTo(checkpoint.Position, upTo, shard.BatchMax, cancellation))
        {
            if (page.Bad is { } bad && !skipped.Contains(bad.Recorded.Position))
                throw new BadEventException(bad.Recorded, bad.Cause);
            await shard.WriteWithinAsync(connection, Taken(page), page.To, checkpoint, cancellation);
        }
    }

    /// <summary>Says that the transaction of <see cref="CatchUpWithinAsync"/> was rolled back.</summary>
    public ValueTask ForgetAsync() => subscription.EndAsync();

    private async Task<bool> PersistAsync(
        Func<IAsyncEnumerable<EventPage>> open, bool follows, CancellationToken cancellation)
    {
        for (var first = true; ; first = false)
        {
            try
            {
                // A commit whose answer was lost may have been one: what it wrote must not be written again.
                if (!first) await checkpoint.ReloadAsync(cancellation);
                Volatile.Write(ref reached, await subscription.BeginAsync(checkpoint.Position, cancellation));
                await HandleAllAsync(open(), follows, cancellation);
                return true;
            }
            catch (Exception e) when (e is not OwnershipLostException && !cancellation.IsCancellationRequested)
            {
                Trouble = $"{subscription.Name}: {e.Message}";
                if (!await GoOnAsync(e, cancellation)) return false;
            }
            finally
            {
                await subscription.EndAsync();
            }
        }
    }

    private async Task HandleAllAsync(IAsyncEnumerable<EventPage> all, bool follows, CancellationToken cancellation)
    {
        await using var page = all.GetAsyncEnumerator(cancellation);
        while (true)
        {
            var next = page.MoveNextAsync().AsTask();
            if (Reached > checkpoint.Position && (!follows || !await SoonAsync(next, cancellation)))
                await MoveAsync(cancellation);
            if (!await next) break;
            await HandleAsync(page.Current, cancellation);
            (Trouble, outages) = (null, 0);
        }

        if (Reached > checkpoint.Position) await MoveAsync(cancellation);
    }

    /// <summary>Whether another page comes before the checkpoint should be kept.</summary>
    private async Task<bool> SoonAsync(Task next, CancellationToken cancellation)
    {
        var left = IdleMoveInterval - time.GetElapsedTime(movedAt);
        if (next.IsCompleted) return left > TimeSpan.Zero;
        if (left <= TimeSpan.Zero) return false;
        await Task.WhenAny(next, Task.Delay(left, time, cancellation));
        return next.IsCompleted;
    }

    private async Task MoveAsync(CancellationToken cancellation)
    {
        await checkpoint.MoveAsync(Reached, cancellation);
        movedAt = time.GetTimestamp();
    }

    private async Task HandleAsync(EventPage page, CancellationToken cancellation)
    {
        if (page.Bad is { } bad)
        {
            if (!skipped.Contains(bad.Recorded.Position)) throw new BadEventException(bad.Recorded, bad.Cause);
            Volatile.Write(ref reached, page.To);
            return;
        }

        var taken = Taken(page);
        if (taken.Count > 0) await HandOverAsync(taken, page.To, cancellation);
        Volatile.Write(ref reached, page.To);
    }

    private List<RecordedEvent> Taken(EventPage page) =>
        [.. page.Events.Where(e => subscription.Takes(e) && !skipped.Contains(e.Position))];

    private async Task HandOverAsync(List<RecordedEvent> events, long upTo, CancellationToken cancellation)
    {
        try
        {
            await subscription.HandleAsync(events, upTo, checkpoint, cancellation);
        }
        catch (PostgresException e) when (!e.IsTransient && Blames(e) && events.Count > 1)
        {
            // A statement says nothing of the event behind it: one at a time, the one that fails is found.
            foreach (var recorded in events)
            {
                var to = recorded == events[^1] ? upTo : recorded.Position;
                await HandOverAsync([recorded], to, cancellation);
                Volatile.Write(ref reached, to);
            }
        }
        catch (PostgresException e) when (!e.IsTransient && Blames(e))
        {
            throw new BadEventException(events[0], e);
        }
    }

    /// <summary>
    /// Classes of errors that a value or a statement causes: data exceptions, violated constraints, syntax and access.
    /// </summary>
    private static bool Blames(PostgresException e) => e.SqlState[..2] is "22" or "23" or "42" or "P0" or "54";

    /// <summary>What to do after a failure: true to go on from the checkpoint, false to stop.</summary>
    private async Task<bool> GoOnAsync(Exception failure, CancellationToken cancellation)
    {
        if (failure is not BadEventException bad)
        {
            var pause = OutagePause * Math.Pow(2, Math.Min(outages++, 10));
            await Task.Delay(pause < OutagePauseMax ? pause : OutagePauseMax, time, cancellation);
            return true;
        }

        attempts = bad.Recorded.Position == failedAt ? attempts + 1 : 1;
        failedAt = bad.Recorded.Position;
        var policy = subscription.OnError;
        if (attempts <= policy.Retries)
        {
            await Task.Delay(policy.PauseBefore(attempts), time, cancellation);
            return true;
        }

        if (policy.Then == ErrorAction.Skip)
        {
            await NoteAsync(bad, cancellation);
            skipped.RemoveWhere(position => position <= checkpoint.Position);
            skipped.Add(bad.Recorded.Position);
            return true;
        }

        await checkpoint.StopAsync(bad.Message, cancellation);
        return false;
    }

    /// <summary>
    /// The note is written before the event is passed: a crash in between meets the event again and notes it once more
    /// under the same key.
    /// </summary>
    private async Task NoteAsync(BadEventException bad, CancellationToken cancellation)
    {
        var recorded = bad.Recorded;
        await using var command = source.CreateCommand(
            """
            insert into projection_errors (reader, position, stream, version, event_id, event_name, error)
            values ($1, $2, $3, $4, $5, $6, $7) on conflict (reader, position) do update set error = excluded.error
            """);
        object[] values =
        [
            checkpoint.Reader, recorded.Position, recorded.Stream, recorded.Version, recorded.Id, recorded.WireName,
            bad.Message,
        ];
        foreach (var value in values) command.Parameters.Add(new() { Value = value });
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
