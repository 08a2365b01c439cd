using System.Collections.Concurrent;
using System.Text;
using Confluent.Kafka;
using EventStream.Contracts;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// Turns messages into records with CloudEvents headers. What is the same for all records of a writer, or of a type,
/// is encoded once.
/// </summary>
/// <remarks>
/// A record's timestamp is never later than the writer's own clock: Kafka refuses a batch for one record that lies too
/// far ahead, and a reader's stream time would run ahead with it. The event's own time stays in its CloudEvents header.
/// </remarks>
internal sealed class EventEncoder(string source, TimeProvider clock)
{
    private readonly Header sourceHeader = new(CloudEvents.Source, Encoding.UTF8.GetBytes(source));
    private readonly ConcurrentDictionary<Type, (MessageType Type, Header Header)> types = new();

    /// <summary>
    /// The record of a message. Throws <see cref="UnknownMessageException"/> for one that the contracts do not know.
    /// </summary>
    public Message<byte[], byte[]> Encode(string key, IMessage message, DateTimeOffset time, PublishOptions? options)
    {
        var now = clock.GetUtcNow();
        var (type, typeHeader) = types.GetOrAdd(message.GetType(), Describe);
        return new Message<byte[], byte[]>
        {
            Key = Encoding.UTF8.GetBytes(key),
            Value = type.Write(message),
            Timestamp = new Timestamp(time < now ? time : now),
            Headers = CloudEvents.Headers(
                typeHeader,
                sourceHeader,
                Encoding.UTF8.GetBytes(options?.EventId ?? Guid.NewGuid().ToString()),
                time,
                options?.TraceParent ?? CloudEvents.CurrentTraceParent()
            ),
        };
    }

    private static (MessageType Type, Header Header) Describe(Type type)
    {
        var known = MessageTypes.Of(type);
        return (known, new Header(CloudEvents.Type, known.NameUtf8));
    }
}
