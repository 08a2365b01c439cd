using System.Diagnostics.Metrics;
using EventStream.EventStore.Daemon;
using EventStream.Messaging;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.Logging;

namespace EventStream.EventStore.Relay;

/// <summary>
/// Carries committed events to Kafka: every event of a routed category, in order per stream, once for a reader of
/// committed records. The event's id is the CloudEvents id, its position and version are headers; streams of a category
/// without a route stay in the store.
/// </summary>
/// <remarks>
/// Why once: a batch is one Kafka transaction, so it is on the topics whole or not at all. Becoming the owner opens the
/// transactional producer, which fences a former owner that was only slow and rolls back what it left open; from then
/// on
/// the end of the topics is what was relayed. The relay reads the newest position there, checks by the event's id that
/// it is an event of this store and not of one that stood here before, and goes on after it, whatever the checkpoint
/// says. The checkpoint in PostgreSQL moves after each batch; it says how far the relay is where a topic no longer
/// holds
/// its last record. Kept in docs/decisions/0019.
/// </remarks>
public sealed partial class EventRelay(
    KafkaOptions kafka, IReadOnlyList<RelayRoute> routes, DaemonServices services, string source = "/eventstream")
    : Subscription(ReaderName)
{
    /// <summary>The name of the relay's checkpoint and lock.</summary>
    public const string ReaderName = "kafka-relay";

    private static readonly Counter<long> Relayed = Telemetry.Meter.CreateCounter<long>(
        "eventstream.store.relayed", "{event}", "Events acknowledged by Kafka.");

    private static readonly Histogram<double> Delay = Telemetry.Meter.CreateHistogram<double>(
        "eventstream.store.relay.delay", "s", "Time from an event's commit to its acknowledgement by Kafka.");

    private readonly ILogger log = services.Logs.CreateLogger<EventRelay>();
    private readonly string id = $"eventstream-relay-{services.Options.Schema}";
    private RelayProducer? producer;

    /// <summary>Most events of one transaction: what waits for its acknowledgement at any time.</summary>
    public override int BatchMax => 500;

    public override bool Takes(RecordedEvent recorded) => RouteOf(recorded.Stream) is not null;

    public override async Task<long> BeginAsync(long position, CancellationToken cancellation)
    {
        producer = await RelayProducer.OpenAsync(kafka, id, log, cancellation);
        var tail = await new TopicTail(kafka, id).ReadAsync(routes.Select(route => route.Topic.Name), cancellation);
        var relayed = await NewestOwnAsync(tail.Where(record => record.Position > position).ToList(), cancellation);
        if (relayed > position) GoesOnAfter(log, relayed, position);
        return Math.Max(position, relayed);
    }

    public override async Task HandleAsync(
        IReadOnlyList<RecordedEvent> events, long upTo, Checkpoint checkpoint, CancellationToken cancellation)
    {
        var records = events.Select(e => (Event: e, Route: RouteOf(e.Stream)!))
            .Select(pair => (pair.Route.Topic.Name, RelayRecords.Of(pair.Event, pair.Route, source, replay: false)))
            .ToList();
        await producer!.SendAsync(records, cancellation);
        Measure(events);
        await checkpoint.MoveAsync(upTo, cancellation);
    }

    public override ValueTask EndAsync()
    {
        producer?.Dispose();
        producer = null;
        return ValueTask.CompletedTask;
    }

    private RelayRoute? RouteOf(string stream)
    {
        foreach (var route in routes)
            if (route.Takes(stream)) return route;
        return null;
    }

    /// <summary>The largest position on the topics whose event has the same id in this store; 0 where there is
    /// none.</summary>
    private async Task<long> NewestOwnAsync(List<TailRecord> tail, CancellationToken cancellation)
    {
        if (tail.Count == 0) return 0;
        await using var command = services.Source.CreateCommand(
            "select position, id from events where position = any ($1)");
        command.Parameters.Add(new() { Value = tail.Select(record => record.Position).ToArray() });
        var own = new HashSet<(long, string)>();
        await using var row = await command.ExecuteReaderAsync(cancellation);
        while (await row.ReadAsync(cancellation)) own.Add((row.GetInt64(0), row.GetGuid(1).ToString("D")));
        foreach (var record in tail.Where(record => !own.Contains((record.Position, record.EventId))))
            Foreign(log, record.Topic, record.Partition, record.Position);
        return tail.Where(record => own.Contains((record.Position, record.EventId)))
            .Select(record => record.Position).DefaultIfEmpty(0).Max();
    }

    private void Measure(IReadOnlyList<RecordedEvent> events)
    {
        var now = services.Time.GetUtcNow();
        Relayed.Add(events.Count);
        foreach (var recorded in events) Delay.Record((now - recorded.RecordedAt).TotalSeconds);
    }

    [LoggerMessage(1, LogLevel.Information,
        "The topics hold events up to position {Relayed}, the checkpoint says {Kept}: "
        + "the relay goes on after what the topics hold.")]
    private static partial void GoesOnAfter(ILogger logger, long relayed, long kept);

    [LoggerMessage(2, LogLevel.Warning,
        "{Topic}/{Partition} ends with an event of another store at position {Position}: "
        + "it does not count as relayed.")]
    private static partial void Foreign(ILogger logger, string topic, int partition, long position);
}
