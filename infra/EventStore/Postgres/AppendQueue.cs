using EventStream.EventStore.Codec;

namespace EventStream.EventStore.Postgres;

/// <summary>
/// Folds appends of callers that would wait into one round trip and one transaction: while none is under way an append
/// goes at once and alone; those that come meanwhile go together when it returns. Each has its own outcome.
/// </summary>
/// <remarks>
/// What an append costs the server is mostly paid once a transaction: its flush, its id, the wake-up of a process. A
/// caller pays for the folding with the time of the transaction that is under way; when that takes longer than
/// <see cref="Patience"/>, because it waits for a lock or the way is long, another one goes beside it. Where the rows
/// weigh more than the transaction, two are under way (docs/decisions/0017).
/// </remarks>
internal sealed class AppendQueue : IDisposable
{
    /// <summary>How long callers wait for the group before them until one more goes beside it.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// Events from which on a group goes as two at a time: writing the rows of one keeps the server busy while the
    /// callers of the other prepare their next.
    /// </summary>
    public const int HalvesMin = 40;

    /// <summary>Callers inside at most; the next ones wait before they are let in.</summary>
    private const int CallersMax = 4096;

    private readonly Func<IReadOnlyList<EncodedAppend>, CancellationToken, Task<AppendOutcome[]>> send;
    private readonly int groupsMax;
    private readonly int groupMax;
    private readonly ITimer overdue;
    private readonly Lock gate = new();
    private readonly LinkedList<Waiting> waiting = new();
    private readonly SemaphoreSlim callers = new(CallersMax, CallersMax);
    private int running;

    public AppendQueue(
        Func<IReadOnlyList<EncodedAppend>, CancellationToken, Task<AppendOutcome[]>> send, StoreOptions options)
    {
        (this.send, groupsMax, groupMax) = (send, options.GroupsMax, options.GroupMax);
        overdue = options.Time.CreateTimer(
            _ => Overdue(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public async Task<AppendOutcome> AppendAsync(EncodedAppend append, CancellationToken cancellation)
    {
        await callers.WaitAsync(cancellation);
        try
        {
            if (Join(append) is not { } mine) return await GoAloneAsync(append, cancellation);
            // One that is cancelled while it waits is never sent; afterwards its outcome is as open as that of any
            // command that was cut off.
            await using var _ = cancellation.Register(() => mine.Done.TrySetCanceled(cancellation));
            return await mine.Done.Task;
        }
        finally
        {
            callers.Release();
        }
    }

    public void Dispose()
    {
        overdue.Dispose();
        callers.Dispose();
    }

    private Waiting? Join(EncodedAppend append)
    {
        lock (gate)
        {
            if (running == 0)
            {
                running = 1;
                return null;
            }

            var mine = new Waiting(append);
            waiting.AddLast(mine);
            if (waiting.Count == 1) BePatient();
            return mine;
        }
    }

    private async Task<AppendOutcome> GoAloneAsync(EncodedAppend append, CancellationToken cancellation)
    {
        try
        {
            return (await send([append], cancellation))[0];
        }
        finally
        {
            _ = NextAsync();
        }
    }

    /// <summary>
    /// Sends those that wait, or leaves the place free. Callers that were just answered come first: what they append
    /// next still goes along.
    /// </summary>
    private async Task NextAsync()
    {
        await Task.Yield();
        List<List<Waiting>> groups;
        lock (gate)
        {
            groups = InHalves(Take());
            running += groups.Count - 1;
        }

        foreach (var group in groups) _ = GoTogetherAsync(group);
    }

    private List<List<Waiting>> InHalves(List<Waiting> group)
    {
        if (group.Count == 0) return [];
        var isAlone = running == 1 && groupsMax > 1;
        return isAlone && group.Count > 1 && group.Sum(one => one.Append.Count) >= HalvesMin
            ? [group[..(group.Count / 2)], group[(group.Count / 2)..]]
            : [group];
    }

    /// <summary>Those that have waited long enough go beside what is under way, as far as groups are allowed.</summary>
    private void Overdue()
    {
        List<Waiting> group;
        lock (gate)
        {
            group = running < groupsMax ? Take() : [];
            if (group.Count > 0) running++;
            if (waiting.Count > 0) BePatient();
        }

        if (group.Count > 0) _ = GoTogetherAsync(group);
    }

    private void BePatient() => overdue.Change(Patience, Timeout.InfiniteTimeSpan);

    /// <summary>
    /// The oldest that fit into one message. Of each stream one only: the next one's expected version is to be checked
    /// against what the first one committed.
    /// </summary>
    private List<Waiting> Take()
    {
        var group = new List<Waiting>();
        var streams = new HashSet<(string Tenant, string Stream)>();
        var (events, bytes) = (0, 0L);
        for (var node = waiting.First; node is not null && group.Count < groupMax;)
        {
            var (next, one) = (node.Next, node.Value);
            node = next;
            if (one.Done.Task.IsCompleted)
            {
                waiting.Remove(one);
                continue;
            }

            if (group.Count > 0 && (events + one.Append.Count > AppendRules.EventsMax
                || bytes + one.Bytes > AppendRules.AppendBytesMax)) break;
            if (!streams.Add((one.Append.Tenant, one.Append.Stream))) continue;
            waiting.Remove(one);
            group.Add(one);
            events += one.Append.Count;
            bytes += one.Bytes;
        }

        return group;
    }

    private async Task GoTogetherAsync(List<Waiting> group)
    {
        try
        {
            var outcomes = await send(group.ConvertAll(one => one.Append), CancellationToken.None);
            for (var i = 0; i < group.Count; i++) group[i].Done.TrySetResult(outcomes[i]);
        }
        catch (Exception e)
        {
            // Whoever sent it reports what it could not isolate: the connection was lost, the outcome is open for all.
            foreach (var one in group) one.Done.TrySetResult(AppendOutcome.Failed(e));
        }
        finally
        {
            _ = NextAsync();
        }
    }

    private sealed class Waiting(EncodedAppend append)
    {
        public EncodedAppend Append { get; } = append;

        public long Bytes { get; } = append.Data.Sum(data => (long)data.Length);

        public TaskCompletionSource<AppendOutcome> Done { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
