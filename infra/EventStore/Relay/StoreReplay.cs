using Confluent.Kafka;
using EventStream.EventStore.Daemon;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Projections;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.Logging;

namespace EventStream.EventStore.Relay;

/// <summary>
/// Publishes events of the store to their topics again, each told as a replay by a header, in order and in whole
/// batches. The relay does not take them for its own.
/// </summary>
public sealed class StoreReplay(
    KafkaOptions kafka, IReadOnlyList<RelayRoute> routes, DaemonServices services, string source = "/eventstream")
{
    private const int BatchMax = 500;

    private readonly ILogger log = services.Logs.CreateLogger<StoreReplay>();

    /// <summary>
    /// The events in (after, upTo], or those of one stream; those of a category without a route are passed over.
    /// Returns how many were published; <paramref name="progress"/> is told on the way. A range ends with what was
    /// committed before the call; throws <see cref="OpenTransactionException"/> where a transaction stays open that
    /// holds that back.
    /// </summary>
    public async Task<long> RunAsync(
        string? stream, long after, long upTo, IProgress<long>? progress, CancellationToken cancellation,
        string tenant = Tenants.Default)
    {
        using var producer = await RelayProducer.OpenAsync(
            kafka, $"eventstream-replay-{services.Options.Schema}", log, cancellation);
        var records = new List<(string, Message<byte[], byte[]>)>();
        var count = 0L;
        await foreach (var recorded in EventsAsync(tenant, stream, after, upTo, cancellation))
        {
            if (routes.FirstOrDefault(route => route.Takes(recorded.Stream)) is not { } route) continue;
            records.Add((route.Topic.Name, RelayRecords.Of(recorded, route, source, replay: true)));
            if (records.Count == BatchMax) await SendAsync();
        }

        if (records.Count > 0) await SendAsync();
        return count;

        async Task SendAsync()
        {
            await producer.SendAsync(records, cancellation);
            count += records.Count;
            records.Clear();
            progress?.Report(count);
        }
    }

    private async IAsyncEnumerable<RecordedEvent> EventsAsync(
        string tenant, string? stream, long after, long upTo,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        if (stream is not null)
        {
            await foreach (var recorded in services.Store.ForTenant(tenant)
                .FetchStreamAsync(stream, cancellation: cancellation))
                if (recorded.Position > after && recorded.Position <= upTo) yield return recorded;
            yield break;
        }

        var mark = Math.Min(upTo, await services.SettleAsync(cancellation));
        var pages = new EventPages(services.Store, services.Source);
        await foreach (var page in pages.ReadTo(after, mark, BatchMax, cancellation))
        {
            if (page.Bad is { } bad) throw new BadEventException(bad.Recorded, bad.Cause);
            foreach (var recorded in page.Events) yield return recorded;
        }
    }
}
