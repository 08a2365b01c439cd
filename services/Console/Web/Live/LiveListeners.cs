namespace EventStream.Console.Web.Live;

/// <summary>Counts the pages that listen, up to a bound, so that nothing is polled for nobody.</summary>
internal sealed class LiveListeners(ConsoleOptions options)
{
    private int count;

    public int Count => Volatile.Read(ref count);

    /// <summary>Takes a place; false where all are taken.</summary>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref count) <= options.ListenersMax) return true;
        Interlocked.Decrement(ref count);
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref count);
}
