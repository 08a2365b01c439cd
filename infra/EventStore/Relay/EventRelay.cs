using System.Diagnostics.Metrics;
using EventStream.Contracts;
using EventStream.EventStore.Readers;
using EventStream.Messaging.Hosting;
using EventStream.Messaging.Kafka;

namespace EventStream.EventStore.Relay;

/// <summary>
/// Which streams go to which topic: the category is what stands before the hyphen, the key is what stands after it.
/// </summary>
public sealed record RelayRoute(string Category, Topic Topic);

/// <summary>
/// Carries committed events to Kafka, at least once and in order per stream. The event's id is the CloudEvents id and
/// its trace context the record's; streams of a category without a route stay in the store.
/// </summary>
/// <remarks>
/// A batch is acknowledged by the broker before the checkpoint moves. A relay that dies in between sends at most that
/// batch again, with the same ids and in the same order: a reader that skips ids it has seen sees each event once.
/// Within a running relay the producer is idempotent, so that a retry inside the client neither doubles nor reorders.
/// </remarks>
public sealed class EventRelay(IEventPublisher publisher, IReadOnlyList<RelayRoute> routes, ReaderServices services)
    : StoreReader("kafka-relay", services)
{
    private static readonly Counter<long> Relayed = Telemetry.Meter.CreateCounter<long>(
        "eventstream.store.relayed", "{event}", "Events acknowledged by Kafka.");

    private static readonly Histogram<double> Delay = Telemetry.Meter.CreateHistogram<double>(
        "eventstream.store.relay.delay", "s", "Time from an event's commit to its acknowledgement by Kafka.");

    private readonly TimeProvider time = services.Time;

    protected override async Task HandleAsync(
        IReadOnlyList<RecordedEvent> batch, Checkpoint checkpoint, CancellationToken cancellation)
    {
        await Task.WhenAll(batch.Select(recorded => PublishAsync(recorded, cancellation)));
        await checkpoint.MoveAsync(batch[^1].Position, cancellation);
    }

    /// <summary>
    /// Hands over in the order of the batch: the producer queues a record before its task is returned.
    /// </summary>
    private async Task PublishAsync(RecordedEvent recorded, CancellationToken cancellation)
    {
        if (RouteOf(recorded.Stream) is not { } route) return;
        var key = recorded.Stream[(route.Category.Length + 1)..];
        var options = new PublishOptions(recorded.Id.ToString("D"), recorded.Metadata.TraceParent);
        await publisher.PublishAsync(route.Topic, key, recorded.Data, recorded.RecordedAt, cancellation, options);
        Relayed.Add(1, new KeyValuePair<string, object?>("topic", route.Topic.Name));
        Delay.Record((time.GetUtcNow() - recorded.RecordedAt).TotalSeconds);
    }

    private RelayRoute? RouteOf(string stream)
    {
        foreach (var route in routes)
        {
            if (stream.Length > route.Category.Length && stream[route.Category.Length] == '-'
                && stream.StartsWith(route.Category, StringComparison.Ordinal)) return route;
        }

        return null;
    }
}
