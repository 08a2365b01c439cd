using System.Globalization;
using System.Text;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;

namespace EventStream.EventStore.Relay;

/// <summary>
/// Which streams go to which topic: the category is what stands before the hyphen, the key is what stands after it.
/// </summary>
public sealed record RelayRoute(string Category, Topic Topic)
{
    /// <summary>Whether a stream takes this route.</summary>
    public bool Takes(string stream) =>
        stream.Length > Category.Length && stream[Category.Length] == '-'
        && stream.StartsWith(Category, StringComparison.Ordinal);
}

/// <summary>How an event of the store looks on a topic: the relay and a replay write it alike.</summary>
public static class RelayRecords
{
    /// <summary>The header with the event's position in the store, in decimal digits.</summary>
    public const string Position = "es_position";

    /// <summary>The header with the event's version in its stream, in decimal digits.</summary>
    public const string Version = "es_version";

    /// <summary>The header with the event's tenant, left out for the default one.</summary>
    public const string Tenant = "es_tenant";

    /// <summary>The header, <c>true</c>, of an event that an operator published again.</summary>
    public const string Replay = "es_replay";

    private static readonly byte[] True = "true"u8.ToArray();

    /// <summary>
    /// The record: the key is the stream's id, the value its JSON, the CloudEvents id the event's, the timestamp that
    /// of
    /// its recording.
    /// </summary>
    public static Message<byte[], byte[]> Of(RecordedEvent recorded, RelayRoute route, string source, bool replay)
    {
        var headers = CloudEvents.Headers(
            recorded.WireName, source, recorded.Id.ToString("D"), recorded.RecordedAt, recorded.Metadata.TraceParent);
        headers.Add(Position, Digits(recorded.Position));
        headers.Add(Version, Digits(recorded.Version));
        if (recorded.Tenant != Tenants.Default) headers.Add(Tenant, Encoding.UTF8.GetBytes(recorded.Tenant));
        if (replay) headers.Add(Replay, True);
        return new Message<byte[], byte[]>
        {
            Key = Encoding.UTF8.GetBytes(recorded.Stream[(route.Category.Length + 1)..]),
            Value = MessageTypes.Write(recorded.Data),
            Timestamp = new Timestamp(recorded.RecordedAt),
            Headers = headers,
        };
    }

    /// <summary>
    /// A stored message as a record: the value is its JSON, the CloudEvents id its id, the timestamp that of its
    /// commit.
    /// </summary>
    public static Message<byte[], byte[]> Of(
        JasperFx.Events.IEvent stored, RelayTarget target, string source, bool replay)
    {
        var headers = CloudEvents.Headers(
            stored.EventTypeName, source, stored.Id.ToString("D"), stored.Timestamp,
            stored.GetHeader(StoredMetadata.TraceParent)?.ToString());
        headers.Add(Position, Digits(stored.Sequence));
        headers.Add(Version, Digits(stored.Version));
        if (replay) headers.Add(Replay, True);
        return new Message<byte[], byte[]>
        {
            Key = Encoding.UTF8.GetBytes(target.Key),
            Value = MessageTypes.Write((IMessage)stored.Data),
            Timestamp = new Timestamp(stored.Timestamp),
            Headers = headers,
        };
    }

    private static byte[] Digits(long number) =>
        Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));
}
