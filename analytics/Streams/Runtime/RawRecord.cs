using Confluent.Kafka;
using EventStream.Messaging.Kafka;

namespace EventStream.Streams.Runtime;

/// <summary>A record as the broker gave it.</summary>
internal sealed record RawRecord(
    string Topic,
    int Partition,
    long Offset,
    byte[] Key,
    byte[]? Value,
    Headers? Headers,
    DateTimeOffset Time
)
{
    public string? TraceParent => CloudEvents.Text(Headers, CloudEvents.TraceParent);

    public static RawRecord From(ConsumeResult<byte[], byte[]> result) =>
        new(
            result.Topic,
            result.Partition.Value,
            result.Offset.Value,
            result.Message.Key ?? [],
            result.Message.Value,
            result.Message.Headers,
            new DateTimeOffset(result.Message.Timestamp.UtcDateTime)
        );
}
