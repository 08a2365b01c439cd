using System.Threading.RateLimiting;

namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// Lets a bounded number through at once and a bounded number wait; one more is refused at once, which shows a client
/// to come later instead of holding its request, and its body, in memory.
/// </summary>
internal sealed class StatementQueue(int concurrentMax, int waitingMax) : IDisposable
{
    private readonly ConcurrencyLimiter places = new(
        new ConcurrencyLimiterOptions { PermitLimit = concurrentMax, QueueLimit = waitingMax }
    );

    /// <summary>Waits for a turn. Throws <see cref="ClickHouseException"/> 202 when too many wait already.</summary>
    public async Task<IDisposable> EnterAsync(CancellationToken cancellation)
    {
        var place = await places.AcquireAsync(1, cancellation);
        return place.IsAcquired
            ? place
            : throw new ClickHouseException(
                ClickHouseError.TooManySimultaneousQueries,
                $"{concurrentMax} statements run and {waitingMax} wait; try again later."
            );
    }

    public void Dispose() => places.Dispose();
}
