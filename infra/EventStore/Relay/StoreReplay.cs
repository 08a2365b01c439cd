using EventStream.Contracts;
using EventStream.EventStore.Tools;
using Microsoft.Extensions.Logging;

namespace EventStream.EventStore.Relay;

/// <summary>
/// Publishes messages of a store to their topics again, each marked as a replay by a header, in order and in whole
/// batches. The relay does not take them for its own.
/// </summary>
public sealed class StoreReplay(OpenStore store, ILogger<StoreReplay> log)
{
    /// <summary>
    /// The messages in (after, upTo], or those of one stream there; those without a route are passed over. Returns how
    /// many were published. A range ends with what was committed before the call; throws
    /// <see cref="OpenTransactionException"/> where a transaction stays open that may add to it.
    /// </summary>
    public async Task<long> RunAsync(
        Guid? stream,
        long after,
        long upTo,
        IProgress<long>? progress,
        CancellationToken cancellation
    )
    {
        var routes =
            store.Service.Relay ?? throw new InvalidOperationException($"'{store.Service.Name}' has no relay.");
        var (id, origin) = ($"eventstream-replay-{store.Postgres.Schema}", $"/eventstream/{store.Service.Name}");
        using var producer = await RelayProducer.OpenAsync(store.Kafka, id, log, cancellation);
        var count = 0L;
        await foreach (var page in store.PagesAsync(stream, after, upTo, cancellation))
        {
            var records = (
                from e in page
                where e.Data is IMessage
                let target = routes.TargetOf(e)
                where target is not null
                select (target.Value.Topic.Name, RelayRecords.Of(e, target.Value, origin, replay: true))
            ).ToList();
            if (records.Count > 0)
                await producer.SendAsync(records, cancellation);
            count += records.Count;
            progress?.Report(count);
        }

        return count;
    }
}
