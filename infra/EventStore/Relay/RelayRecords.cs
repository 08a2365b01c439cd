using System.Globalization;
using System.Text;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;

namespace EventStream.EventStore.Relay;

/// <summary>How an event of the store looks on a topic: the relay and a replay write it alike.</summary>
public static class RelayRecords
{
    /// <summary>The header with the event's position in the store, in decimal digits.</summary>
    public const string Position = "es_position";

    /// <summary>The header with the event's version in its stream, in decimal digits.</summary>
    public const string Version = "es_version";

    /// <summary>The header, <c>true</c>, of an event that an operator published again.</summary>
    public const string Replay = "es_replay";

    private static readonly byte[] True = "true"u8.ToArray();

    /// <summary>
    /// A stored message as a record: the value is its JSON, the CloudEvents id its id, the timestamp that of its
    /// commit.
    /// </summary>
    public static Message<byte[], byte[]> Of(
        JasperFx.Events.IEvent stored,
        RelayTarget target,
        string source,
        bool replay
    )
    {
        var headers = CloudEvents.Headers(
            stored.EventTypeName,
            source,
            stored.Id.ToString("D"),
            stored.Timestamp,
            stored.GetHeader(StoredMetadata.TraceParent)?.ToString()
        );
        headers.Add(Position, Digits(stored.Sequence));
        headers.Add(Version, Digits(stored.Version));
        if (replay)
            headers.Add(Replay, True);
        return new Message<byte[], byte[]>
        {
            Key = Encoding.UTF8.GetBytes(target.Key),
            Value = MessageTypes.Write((IMessage)stored.Data),
            Timestamp = new Timestamp(stored.Timestamp),
            Headers = headers,
        };
    }

    private static byte[] Digits(long number) => Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));
}
