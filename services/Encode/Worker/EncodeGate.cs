namespace EventStream.Encode.Worker;

/// <summary>
/// What goes first: the first lane before the other, then the task asked for earlier, then the smaller one, so that
/// the lower rungs of a video come before its higher ones.
/// </summary>
public readonly record struct Turn(bool FirstLane, DateTimeOffset RequestedAt, long Pixels)
{
    /// <summary>Orders turns; the one that goes first is the least.</summary>
    public static readonly IComparer<Turn> Order = Comparer<Turn>.Create((one, other) =>
        (!one.FirstLane, one.RequestedAt, one.Pixels).CompareTo((!other.FirstLane, other.RequestedAt, other.Pixels)));
}

/// <summary>
/// Lets one task work at a time and chooses the next by <see cref="Turn"/>. As many wait as there are partitions with
/// a command, which bounds the queue.
/// </summary>
public sealed class EncodeGate
{
    private readonly Lock sync = new();
    private readonly PriorityQueue<TaskCompletionSource<IDisposable>, Turn> waiting = new(Turn.Order);
    private bool taken;

    /// <summary>Waits for the turn; disposing what comes back ends it. Leaves the queue when cancelled.</summary>
    public async Task<IDisposable> EnterAsync(Turn turn, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var place = new TaskCompletionSource<IDisposable>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (sync)
        {
            if (!taken)
            {
                taken = true;
                return new Exit(this);
            }

            waiting.Enqueue(place, turn);
        }

        // Whoever sets the result first wins: a place that is cancelled is passed over when its turn comes.
        await using var leave = cancellation.Register(() => place.TrySetCanceled(cancellation));
        return await place.Task;
    }

    private void Leave()
    {
        lock (sync)
        {
            while (waiting.TryDequeue(out var next, out _))
            {
                if (next.TrySetResult(new Exit(this))) return;
            }

            taken = false;
        }
    }

    private sealed class Exit(EncodeGate gate) : IDisposable
    {
        private int left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref left, 1) == 0) gate.Leave();
        }
    }
}
