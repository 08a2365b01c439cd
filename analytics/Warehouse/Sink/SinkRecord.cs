using Confluent.Kafka;
using EventStream.Messaging.Kafka;

namespace EventStream.Warehouse.Sink;

/// <summary>A record as the sink sees it: where it stands, what it says it is, and its bytes.</summary>
public sealed record SinkRecord(
    string Topic,
    int Partition,
    long Offset,
    DateTimeOffset Time,
    string Type,
    string EventId,
    byte[] Key,
    byte[] Value
)
{
    /// <summary>Takes what is needed of a consumed record; a missing header is an empty text.</summary>
    public static SinkRecord From(ConsumeResult<byte[], byte[]> result) =>
        new(
            result.Topic,
            result.Partition.Value,
            result.Offset.Value,
            DateTimeOffset.FromUnixTimeMilliseconds(Math.Max(0, result.Message.Timestamp.UnixTimestampMs)),
            CloudEvents.Text(result.Message.Headers, CloudEvents.Type) ?? "",
            CloudEvents.Text(result.Message.Headers, CloudEvents.Id) ?? "",
            result.Message.Key ?? [],
            result.Message.Value ?? []
        );
}
