using EventStream.Contracts;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// A record that was read and understood. <paramref name="Time"/> is the record's timestamp, the event time;
/// <paramref name="EventId"/> the CloudEvents id, by which a repeated delivery is recognized.
/// </summary>
public sealed record ConsumedMessage(
    string Topic,
    int Partition,
    long Offset,
    string Key,
    string EventId,
    DateTimeOffset Time,
    IMessage Message,
    string? TraceParent
);
