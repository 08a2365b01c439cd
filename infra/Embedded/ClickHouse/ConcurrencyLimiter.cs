namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// Lets a bounded number through at once and a bounded number wait; one more is refused at once, which shows a client
/// to come later instead of holding its request, and its body, in memory.
/// </summary>
internal sealed class ConcurrencyLimiter(int concurrentMax, int waitingMax) : IDisposable
{
    private readonly SemaphoreSlim places = new(concurrentMax);
    private int inside;

    /// <summary>Waits for a turn. Throws <see cref="ClickHouseException"/> 202 when too many wait already.</summary>
    public async Task<IDisposable> EnterAsync(CancellationToken cancellation)
    {
        if (Interlocked.Increment(ref inside) > concurrentMax + waitingMax)
        {
            Interlocked.Decrement(ref inside);
            throw ClickHouseException.Of(
                ClickHouseException.TooManyQueries,
                "TOO_MANY_SIMULTANEOUS_QUERIES",
                $"{concurrentMax} statements run and {waitingMax} wait; try again later."
            );
        }

        try
        {
            await places.WaitAsync(cancellation);
        }
        catch
        {
            Interlocked.Decrement(ref inside);
            throw;
        }

        return new Place(this);
    }

    public void Dispose() => places.Dispose();

    private sealed class Place(ConcurrencyLimiter limiter) : IDisposable
    {
        private int left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref left, 1) != 0)
                return;
            limiter.places.Release();
            Interlocked.Decrement(ref limiter.inside);
        }
    }
}
