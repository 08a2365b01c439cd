namespace EventStream.EventStore.Daemon;

/// <summary>The high-water mark of a process, for any number of readers to wait on.</summary>
internal sealed class MarkWatch
{
    private readonly Lock gate = new();
    private TaskCompletionSource moved = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long current;

    public long Current => Volatile.Read(ref current);

    public void Set(long mark)
    {
        if (mark <= Current) return;
        lock (gate)
        {
            current = mark;
            moved.SetResult();
            moved = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Returns the mark as soon as it is beyond a position.</summary>
    public async Task<long> BeyondAsync(long position, CancellationToken cancellation)
    {
        while (true)
        {
            Task wait;
            lock (gate)
            {
                if (current > position) return current;
                wait = moved.Task;
            }

            await wait.WaitAsync(cancellation);
        }
    }
}
