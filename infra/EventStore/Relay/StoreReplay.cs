using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.EventStore.Tools;
using Marten;
using Marten.Events.Archiving;
using Microsoft.Extensions.Logging;

namespace EventStream.EventStore.Relay;

/// <summary>
/// Publishes messages of a store to their topics again, each marked as a replay by a header, in order and in whole
/// batches. The relay does not take them for its own.
/// </summary>
public sealed class StoreReplay(OpenStore store, ILogger<StoreReplay> log)
{
    private const int BatchMax = 500;

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
        using var producer = await RelayProducer.OpenAsync(
            store.Kafka,
            $"eventstream-replay-{store.Postgres.Schema}",
            log,
            cancellation
        );
        var (count, at) = (0L, after);
        var end = Math.Min(upTo, await SettledStore.WaitAsync(store.Source, TimeProvider.System, cancellation));
        while (true)
        {
            var page = await PageAsync(stream, at, end, cancellation);
            var records = Records(page, routes).ToList();
            if (records.Count > 0)
                await producer.SendAsync(records, cancellation);
            count += records.Count;
            progress?.Report(count);
            if (page.Count < BatchMax)
                return count;
            at = page[^1].Sequence;
        }
    }

    private IEnumerable<(string Topic, Message<byte[], byte[]> Record)> Records(
        IReadOnlyList<JasperFx.Events.IEvent> page,
        RelayRoutes routes
    )
    {
        foreach (var e in page)
            if (e.Data is IMessage && routes.TargetOf(e) is { } target)
                yield return (
                    target.Topic.Name,
                    RelayRecords.Of(e, target, $"/eventstream/{store.Service.Name}", replay: true)
                );
    }

    private async Task<IReadOnlyList<JasperFx.Events.IEvent>> PageAsync(
        Guid? stream,
        long after,
        long upTo,
        CancellationToken cancellation
    )
    {
        await using var session = store.Documents.QuerySession();
        var events = session
            .Events.QueryAllRawEvents()
            .Where(e => e.MaybeArchived() && e.Sequence > after && e.Sequence <= upTo);
        if (stream is { } id)
            events = events.Where(e => e.StreamId == id);
        return await events.OrderBy(e => e.Sequence).Take(BatchMax).ToListAsync(cancellation);
    }
}
