namespace EventStream.Encode.Worker;

/// <summary>
/// What goes first: the first lane before the other, then the task asked for earlier, then the smaller one, so that
/// the lower rungs of a video come before its higher ones.
/// </summary>
public readonly record struct Turn(bool FirstLane, DateTimeOffset RequestedAt, long Pixels)
{
    /// <summary>Orders turns; the one that goes first is the least.</summary>
    public static readonly IComparer<Turn> Order = Comparer<Turn>.Create(
        (one, other) =>
            (!one.FirstLane, one.RequestedAt, one.Pixels).CompareTo((!other.FirstLane, other.RequestedAt, other.Pixels))
    );
}

/// <summary>
/// Lets one task work at a time and chooses the next by <see cref="Turn"/>. As many wait as there are partitions with
/// a command, which bounds the queue.
/// </summary>
/// <remarks>
/// A partition hands over its next command only once the one before is done. After a task of the first lane the turn is
/// therefore kept for a moment, or a long task of the other lane would slip in between two of the first.
/// </remarks>
public sealed class EncodeLimiter(TimeProvider clock)
{
    /// <summary>How long a turn of the first lane is kept for the next one of that lane.</summary>
    public static readonly TimeSpan FirstLaneGrace = TimeSpan.FromMilliseconds(400);

    private readonly Lock sync = new();
    private readonly PriorityQueue<TaskCompletionSource<IDisposable>, Turn> waiting = new(Turn.Order);
    private bool taken;
    private bool keptForFirstLane;

    /// <summary>Waits for the turn; disposing what comes back ends it. Leaves the queue when cancelled.</summary>
    public async Task<IDisposable> EnterAsync(Turn turn, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var place = new TaskCompletionSource<IDisposable>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (sync)
        {
            if (!taken || (keptForFirstLane && turn.FirstLane))
            {
                taken = true;
                keptForFirstLane = false;
                return new Exit(this, turn.FirstLane);
            }

            waiting.Enqueue(place, turn);
        }

        // The first to set the result wins: a place that is cancelled is passed over when its turn comes.
        await using var leave = cancellation.Register(() => place.TrySetCanceled(cancellation));
        return await place.Task;
    }

    private void Leave(bool firstLane)
    {
        lock (sync)
        {
            var nextIsFirst = waiting.TryPeek(out _, out var next) && next.FirstLane;
            if (!firstLane || nextIsFirst)
            {
                GiveTurn();
                return;
            }

            keptForFirstLane = true;
        }

        _ = Task.Delay(FirstLaneGrace, clock).ContinueWith(_ => EndGrace(), TaskScheduler.Default);
    }

    private void EndGrace()
    {
        lock (sync)
        {
            if (!keptForFirstLane)
                return;
            keptForFirstLane = false;
            GiveTurn();
        }
    }

    private void GiveTurn()
    {
        while (waiting.TryDequeue(out var next, out var turn))
        {
            if (next.TrySetResult(new Exit(this, turn.FirstLane)))
                return;
        }

        taken = false;
    }

    private sealed class Exit(EncodeLimiter limiter, bool firstLane) : IDisposable
    {
        private int left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref left, 1) == 0)
                limiter.Leave(firstLane);
        }
    }
}
