using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;
using Streamiz.Kafka.Net.SerDes;

namespace EventStream.Streams;

/// <summary>How values become bytes and back.</summary>
public static class SerDes
{
    /// <summary>UTF-8 text.</summary>
    public static ISerDes<string> Text { get; } = new StringSerDes();

    /// <summary>A 64-bit integer, big endian.</summary>
    public static ISerDes<long> Long { get; } = new LongSerDes();

    /// <summary>JSON by a source-generated contract.</summary>
    public static ISerDes<T> Json<T>(JsonTypeInfo<T> type) => new JsonSerDes<T>(type);

    /// <summary>A message of the platform, to be written: its headers are set by the processor.</summary>
    public static ISerDes<TMessage> Message<TMessage>()
        where TMessage : class, IMessage => new MessageSerDes<TMessage>();

    /// <summary>
    /// Reads a message of the platform by the wire name in its headers. Throws <see cref="JsonException"/> for others.
    /// </summary>
    public static TMessage ReadMessage<TMessage>(byte[] data, Headers? headers)
        where TMessage : class, IMessage
    {
        var name =
            CloudEvents.Text(headers, CloudEvents.Type)
            ?? throw new JsonException($"The record has no {CloudEvents.Type} header, so its type is not known.");
        return MessageTypes.Read(name, data) as TMessage
            ?? throw new JsonException($"A {typeof(TMessage).Name} was expected, found '{name}'.");
    }

    private sealed class LongSerDes : AbstractSerDes<long>
    {
        public override byte[] Serialize(long data, SerializationContext context)
        {
            var bytes = new byte[sizeof(long)];
            BinaryPrimitives.WriteInt64BigEndian(bytes, data);
            return bytes;
        }

        public override long Deserialize(byte[] data, SerializationContext context) =>
            BinaryPrimitives.ReadInt64BigEndian(data);
    }

    private sealed class JsonSerDes<T>(JsonTypeInfo<T> type) : AbstractSerDes<T>
    {
        public override byte[] Serialize(T data, SerializationContext context) =>
            JsonSerializer.SerializeToUtf8Bytes(data, type);

        public override T Deserialize(byte[] data, SerializationContext context) =>
            JsonSerializer.Deserialize(data, type)
            ?? throw new JsonException($"A {typeof(T).Name} was expected, found null.");
    }

    private sealed class MessageSerDes<TMessage> : AbstractSerDes<TMessage>
        where TMessage : class, IMessage
    {
        public override byte[] Serialize(TMessage data, SerializationContext context) => MessageTypes.Write(data);

        public override TMessage Deserialize(byte[] data, SerializationContext context) =>
            ReadMessage<TMessage>(data, context.Headers);
    }
}
