using EventStream.EventStore.Daemon;
using EventStream.EventStore.Postgres;

namespace EventStream.EventStore.Projections;

/// <summary>
/// A read model in the memory of each process that has it: folded from the whole store at every start and kept up to
/// date by the daemon. For what is small and asked for often; derive and keep the state in the class.
/// </summary>
public abstract class MemoryProjection
{
    private const int BatchMax = 1000;

    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    private long position;

    /// <summary>Whether everything that was stored at the start is read.</summary>
    public bool CaughtUp { get; private set; }

    /// <summary>Everything up to this position is applied.</summary>
    public long Position => Volatile.Read(ref position);

    /// <summary>Takes events, in order of position, those of other streams too. Called by one task at a time.</summary>
    protected abstract void Apply(IReadOnlyList<RecordedEvent> events);

    /// <summary>Applies what is safe to read and not applied yet; for a process without a daemon.</summary>
    public async Task CatchUpAsync(IEventStore store, CancellationToken cancellation)
    {
        while (true)
        {
            var events = await store.ReadAllAsync(Position, BatchMax, cancellation);
            if (events.Count == 0) break;
            Apply(events);
            Volatile.Write(ref position, events[^1].Position);
        }

        CaughtUp = true;
    }

    internal async Task RunAsync(MarkWatch mark, DaemonServices services, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                await CatchUpAsync(services.Store, cancellation);
                await FollowAsync(mark, services.Store, services, cancellation);
            }
            catch (Exception e) when (e is Npgsql.NpgsqlException or TimeoutException or IOException)
            {
                // The daemon tells of a PostgreSQL that is away; this goes on from where it is.
                await Task.Delay(RetryInterval, services.Time, cancellation)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task FollowAsync(
        MarkWatch mark, PostgresEventStore store, DaemonServices services, CancellationToken cancellation)
    {
        await foreach (var page in
            new EventPages(store, services.Source).Follow(Position, BatchMax, mark, cancellation))
        {
            if (page.Bad is null) Apply(page.Events);
            Volatile.Write(ref position, page.To);
        }
    }
}
