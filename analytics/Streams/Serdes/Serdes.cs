using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;

namespace EventStream.Streams;

/// <summary>The serdes that ship with the library.</summary>
public static class Serdes
{
    /// <summary>UTF-8 text.</summary>
    public static Serde<string> Text { get; } = new TextSerde();

    /// <summary>A 64-bit integer, big endian.</summary>
    public static Serde<long> Long { get; } = new LongSerde();

    /// <summary>JSON by a source-generated contract.</summary>
    public static Serde<T> Json<T>(JsonTypeInfo<T> type) => new JsonSerde<T>(type);

    /// <summary>
    /// A message of the platform: JSON, with its wire name and the other CloudEvents attributes in the headers.
    /// </summary>
    public static Serde<TMessage> Message<TMessage>()
        where TMessage : class, IMessage => new MessageSerde<TMessage>();
}

internal sealed class TextSerde : Serde<string>
{
    public override byte[] Write(string value) => Encoding.UTF8.GetBytes(value);

    public override string Read(ReadOnlySpan<byte> data, Headers? headers) => Encoding.UTF8.GetString(data);
}

internal sealed class LongSerde : Serde<long>
{
    public override byte[] Write(long value)
    {
        var bytes = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        return bytes;
    }

    public override long Read(ReadOnlySpan<byte> data, Headers? headers) => BinaryPrimitives.ReadInt64BigEndian(data);
}

internal sealed class JsonSerde<T>(JsonTypeInfo<T> type) : Serde<T>
{
    public override byte[] Write(T value) => JsonSerializer.SerializeToUtf8Bytes(value, type);

    public override T Read(ReadOnlySpan<byte> data, Headers? headers) =>
        JsonSerializer.Deserialize(data, type)
        ?? throw new JsonException($"A {typeof(T).Name} was expected, found null.");
}

internal sealed class MessageSerde<TMessage> : Serde<TMessage>
    where TMessage : class, IMessage
{
    public override byte[] Write(TMessage value) => MessageTypes.Write(value);

    public override TMessage Read(ReadOnlySpan<byte> data, Headers? headers)
    {
        var name =
            CloudEvents.Text(headers, CloudEvents.Type)
            ?? throw new JsonException($"The record has no {CloudEvents.Type} header, so its type is not known.");
        return MessageTypes.Read(name, data) as TMessage
            ?? throw new JsonException($"A {typeof(TMessage).Name} was expected, found '{name}'.");
    }

    public override void Describe(TMessage value, Headers headers, RecordOrigin origin)
    {
        var described = CloudEvents.Headers(
            MessageTypes.NameOf(value.GetType()),
            $"/eventstream/{origin.Application}",
            origin.Id,
            origin.Time,
            origin.TraceParent
        );
        foreach (var header in described)
            headers.Add(header.Key, header.GetValueBytes());
    }
}
