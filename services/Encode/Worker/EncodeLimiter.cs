using EventStream.Contracts;

namespace EventStream.Encode.Worker;

/// <summary>
/// What goes first in a lane: the task asked for earlier, then the smaller one, so that the lower rungs of a video come
/// before its higher ones, then the earlier chunk.
/// </summary>
public readonly record struct Turn(bool FirstLane, DateTimeOffset RequestedAt, long Pixels, int Chunk = 0)
{
    /// <summary>Orders the turns of a lane; the one that goes first is the least.</summary>
    public static readonly IComparer<Turn> Order = Comparer<Turn>.Create(
        (one, other) =>
            (one.RequestedAt, one.Pixels, one.Chunk).CompareTo((other.RequestedAt, other.Pixels, other.Chunk))
    );

    /// <summary>The turn of a command.</summary>
    public static Turn Of(ICommand command, bool firstLane) =>
        new(
            firstLane,
            EncodeTasks.Of(command).RequestedAt,
            command switch
            {
                // Viewers play the first rung while it grows, also where it is not the lowest.
                EncodeRung { IsFirst: true } => 0,
                EncodeRung c => (long)c.Rung.Width * c.Rung.Height,
                // A video does not wait for its high range and its further ladders.
                EncodeHighRange or EncodeLadder => long.MaxValue,
                _ => 0,
            },
            command is EncodeRung { Chunk: { } chunk } ? chunk.Number : 0
        );
}

/// <summary>
/// Lets one task of each lane work at a time and chooses the next by <see cref="Turn"/>. A task of the first lane
/// begins at once, beside one of the other lane that works already, which gives way to it by its priority. One of the
/// other lane begins only while the first lane is empty here, or once the lane was kept waiting for
/// <see cref="OtherWaitMax"/>. As many wait as there are partitions with a command, which bounds the queues.
/// </summary>
/// <remarks>
/// A partition hands over its next command only once the one before is done. After a task of the first lane the other
/// one is therefore kept out for a moment, or a long task would slip in between two of the first.
/// </remarks>
public sealed class EncodeLimiter(TimeProvider clock, TimeSpan? otherWaitMax = null)
{
    /// <summary>How long the other lane is kept out after a task of the first lane.</summary>
    public static readonly TimeSpan FirstLaneGrace = TimeSpan.FromMilliseconds(400);

    /// <summary>How long the first lane may keep the other waiting, so that neither starves.</summary>
    public static readonly TimeSpan OtherWaitMax = TimeSpan.FromMinutes(5);

    private readonly TimeSpan otherWaitMax = otherWaitMax ?? OtherWaitMax;
    private readonly Lock sync = new();
    private readonly Lane first = new();
    private readonly Lane other = new();
    private int graces;
    private long? keptOutSince;

    /// <summary>Waits for the turn; disposing what comes back ends it. Leaves the queue when cancelled.</summary>
    public async Task<IDisposable> EnterAsync(Turn turn, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var place = new TaskCompletionSource<IDisposable>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (sync)
        {
            (turn.FirstLane ? first : other).Waiting.Enqueue(place, turn);
            GiveTurns();
        }

        // The first to set the result wins: a place that is cancelled is passed over when its turn comes.
        await using var leave = cancellation.Register(() => place.TrySetCanceled(cancellation));
        return await place.Task;
    }

    private void GiveTurns()
    {
        GiveTurn(first);
        if (!first.Taken && graces == 0)
        {
            keptOutSince = null;
            GiveTurn(other);
            return;
        }

        if (other.Taken || other.Waiting.Count == 0)
            return;
        if (keptOutSince is not { } since)
        {
            keptOutSince = clock.GetTimestamp();
            After(otherWaitMax, GiveTurns);
        }
        else if (clock.GetElapsedTime(since) >= otherWaitMax)
        {
            keptOutSince = null;
            GiveTurn(other);
        }
    }

    private void GiveTurn(Lane lane)
    {
        while (!lane.Taken && lane.Waiting.TryDequeue(out var next, out _))
            lane.Taken = next.TrySetResult(new Exit(this, lane));
    }

    private void Leave(Lane lane)
    {
        lock (sync)
        {
            lane.Taken = false;
            if (lane == first)
            {
                graces++;
                After(FirstLaneGrace, () => graces--);
            }

            GiveTurns();
        }
    }

    private void After(TimeSpan wait, Action change) =>
        _ = Task.Delay(wait, clock)
            .ContinueWith(
                _ =>
                {
                    lock (sync)
                    {
                        change();
                        GiveTurns();
                    }
                },
                TaskScheduler.Default
            );

    /// <summary>The tasks of a lane that wait, and whether one works.</summary>
    private sealed class Lane
    {
        public PriorityQueue<TaskCompletionSource<IDisposable>, Turn> Waiting { get; } = new(Turn.Order);

        public bool Taken { get; set; }
    }

    private sealed class Exit(EncodeLimiter limiter, Lane lane) : IDisposable
    {
        private int left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref left, 1) == 0)
                limiter.Leave(lane);
        }
    }
}
