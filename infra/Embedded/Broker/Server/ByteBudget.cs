namespace EventStream.Embedded.Broker.Server;

/// <summary>
/// The bytes of large requests and responses that all connections together may hold. A request waits for its share
/// before it is read; a fetch response takes what is left and is the smaller for it. Half of the bytes are kept for
/// requests, so that consumers who do not take their responses cannot keep producers waiting.
/// </summary>
internal sealed class ByteBudget(long bytesMax)
{
    private readonly Lock _gate = new();
    private readonly Queue<(TaskCompletionSource Ready, long Bytes)> _waiting = new();
    private readonly long _max = bytesMax;
    private readonly long _keptForRequests = bytesMax / 2;
    private long _left = bytesMax;

    /// <summary>The bytes that are held now.</summary>
    public long Taken
    {
        get
        {
            lock (_gate)
            {
                return _max - _left;
            }
        }
    }

    /// <summary>Takes the bytes, waiting in turn until they are free; nothing is taken when it is cancelled.</summary>
    public Task AcquireAsync(long bytes, CancellationToken cancellation)
    {
        lock (_gate)
        {
            if (_waiting.Count == 0 && _left >= bytes)
            {
                _left -= bytes;
                return Task.CompletedTask;
            }
            var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue((ready, bytes));
            return AwaitAsync(ready, cancellation);
        }
    }

    /// <summary>
    /// Takes up to <paramref name="wanted"/> bytes for a response, and <paramref name="atLeast"/> even when fewer are
    /// left.
    /// </summary>
    public int Take(int wanted, int atLeast)
    {
        lock (_gate)
        {
            var taken = (int)Math.Min(wanted, Math.Max(_left - _keptForRequests, atLeast));
            _left -= taken;
            return taken;
        }
    }

    public void Release(long bytes)
    {
        lock (_gate)
        {
            _left += bytes;
            while (_waiting.TryPeek(out var next) && (_left >= next.Bytes || next.Ready.Task.IsCompleted))
            {
                _waiting.Dequeue();
                _left -= next.Ready.TrySetResult() ? next.Bytes : 0;
            }
        }
    }

    /// <summary>One that gave up stays in the queue and is passed over when its turn comes.</summary>
    private static async Task AwaitAsync(TaskCompletionSource ready, CancellationToken cancellation)
    {
        await using var registration = cancellation.Register(() => ready.TrySetCanceled(cancellation));
        await ready.Task;
    }
}
