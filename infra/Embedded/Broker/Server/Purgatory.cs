namespace EventStream.Embedded.Broker.Server;

/// <summary>What a request waits for in the purgatory.</summary>
internal enum WaitingFor
{
    Records,
    Join,
    Assignment,
}

/// <summary>
/// Counts the requests that wait for something to happen. There may be so many of them and no more: a fetch beyond the
/// bound is answered at once with what there is, a member of a group is asked to come again.
/// </summary>
internal sealed class Purgatory(int waitingMax)
{
    private readonly int[] _depths = new int[3];
    private int _waiting;

    public int Depth(WaitingFor what) => Volatile.Read(ref _depths[(int)what]);

    /// <summary>False when the purgatory is full; after true, <see cref="Leave"/> is to be called.</summary>
    public bool TryEnter(WaitingFor what)
    {
        if (Interlocked.Increment(ref _waiting) > waitingMax)
        {
            Interlocked.Decrement(ref _waiting);
            return false;
        }
        Interlocked.Increment(ref _depths[(int)what]);
        return true;
    }

    public void Leave(WaitingFor what)
    {
        Interlocked.Decrement(ref _depths[(int)what]);
        Interlocked.Decrement(ref _waiting);
    }

    /// <summary>
    /// Waits for an answer within the bound; the other answer is given where there is no room to wait.
    /// </summary>
    public async ValueTask<T> WaitAsync<T>(
        WaitingFor what,
        Task<T> answer,
        Func<T> otherwise,
        CancellationToken cancellation
    )
    {
        if (answer.IsCompleted)
        {
            return await answer;
        }
        if (!TryEnter(what))
        {
            return otherwise();
        }
        try
        {
            return await answer.WaitAsync(cancellation);
        }
        finally
        {
            Leave(what);
        }
    }
}
