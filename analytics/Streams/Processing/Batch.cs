using System.Runtime.CompilerServices;
using System.Text;
using Confluent.Kafka;
using EventStream.Messaging.Kafka;
using Streamiz.Kafka.Net.SerDes;

namespace EventStream.Streams;

/// <summary>
/// One record of a topic: the value and event time that were read from it, or the error that reading it gave.
/// </summary>
public sealed class StreamRecord<T>
{
    internal StreamRecord(ConsumeResult<byte[], byte[]> raw, T? value, DateTimeOffset time, Exception? error) =>
        (Raw, this.value, Time, Error) = (raw, value, time, error);

    private readonly T? value;

    /// <summary>The value. Only for a record that could be read.</summary>
    public T Value => value!;

    /// <summary>When it happened.</summary>
    public DateTimeOffset Time { get; }

    /// <summary>The key, as UTF-8 text.</summary>
    public string Key => Raw.Message.Key is { Length: > 0 } key ? Encoding.UTF8.GetString(key) : "";

    internal ConsumeResult<byte[], byte[]> Raw { get; }

    internal Exception? Error { get; }

    /// <summary>The same record, now that the library has said where it was.</summary>
    internal StreamRecord<T> At(string key, TopicPartitionOffset at, DateTimeOffset time) =>
        new(
            new ConsumeResult<byte[], byte[]>
            {
                TopicPartitionOffset = at,
                Message = new Message<byte[], byte[]>
                {
                    Key = Encoding.UTF8.GetBytes(key),
                    Value = Raw.Message.Value,
                    Headers = Raw.Message.Headers,
                    Timestamp = new Timestamp(time),
                },
            },
            value,
            time,
            Error
        );

    internal string? TraceParent => CloudEvents.Text(Raw.Message.Headers, CloudEvents.TraceParent);
}

internal interface IBatch
{
    /// <summary>Event time of the first record, where a record alone carries this stamp; null if it has none.</summary>
    DateTimeOffset? FirstTime(DateTimeOffset stamp);
}

/// <summary>
/// Records of one partition that go through the library as one. That costs its price for a record once a batch.
/// A value that a processor sends to a repartition topic travels as a batch of one.
/// </summary>
public sealed class Batch<T> : IBatch
{
    private readonly Func<T, DateTimeOffset, DateTimeOffset>? timeOfAlone;
    private readonly IReadOnlyList<StreamRecord<T>> records;

    /// <summary>A value to be written.</summary>
    internal Batch(T value) => (records, Single) = ([], value);

    internal Batch(IReadOnlyList<StreamRecord<T>> records) => this.records = records;

    internal Batch(StreamRecord<T> alone, Func<T, DateTimeOffset, DateTimeOffset>? time) =>
        (records, timeOfAlone, IsAlone) = ([alone], time, true);

    internal T? Single { get; }

    private bool IsAlone { get; }

    /// <summary>The records in the order of the partition; of one that came alone the library knows the rest.</summary>
    internal IReadOnlyList<StreamRecord<T>> Records(string key, TopicPartitionOffset at, DateTimeOffset time) =>
        IsAlone ? [records[0].At(key, at, time)] : records;

    DateTimeOffset? IBatch.FirstTime(DateTimeOffset stamp)
    {
        var first = records.FirstOrDefault(record => record.Error is null);
        return first is null ? null
            : IsAlone ? timeOfAlone?.Invoke(first.Value, stamp) ?? stamp
            : first.Time;
    }
}

/// <summary>
/// Carries records past the library, whose interfaces know only bytes: the value of the one record that the library
/// sees is an array of its own, to which the records are attached.
/// </summary>
internal sealed class HeldRecords
{
    private static readonly ConditionalWeakTable<byte[], HeldRecords> Held = [];

    private HeldRecords(List<ConsumeResult<byte[], byte[]>> records) => Records = records;

    public List<ConsumeResult<byte[], byte[]>> Records { get; }

    /// <summary>What the records were read as: the library reads each value twice, for its time and itself.</summary>
    public object? Read { get; set; }

    public static byte[] Attach(List<ConsumeResult<byte[], byte[]>> records)
    {
        var token = new byte[1];
        Held.Add(token, new HeldRecords(records));
        return token;
    }

    public static HeldRecords? Of(byte[] data) => Held.TryGetValue(data, out var held) ? held : null;
}

/// <summary>
/// Reads batches. Bytes that cannot be read give a record with an error, which the processor sends to the dead letters
/// within the transaction: an exception in a serde would end the stream.
/// </summary>
public sealed class BatchSerDes<T>(
    Func<byte[], Headers?, T> read,
    Func<T, DateTimeOffset, DateTimeOffset>? time = null,
    Func<T, byte[]>? write = null
) : AbstractSerDes<Batch<T>>
{
    /// <summary>A batch for the topology. Null values count as unreadable.</summary>
    public override Batch<T> Deserialize(byte[] data, SerializationContext context)
    {
        if (data is not null && HeldRecords.Of(data) is { } held)
            return (Batch<T>)(held.Read ??= new Batch<T>(held.Records.ConvertAll(Decode)));
        // Without the batching consumer, as in the test driver, each record comes by itself.
        return new Batch<T>(
            Decode(
                new ConsumeResult<byte[], byte[]>
                {
                    Topic = context.Topic,
                    Message = new Message<byte[], byte[]> { Value = data!, Headers = context.Headers },
                }
            ),
            time
        );
    }

    /// <summary>The bytes of a value that goes to a repartition topic.</summary>
    public override byte[] Serialize(Batch<T> data, SerializationContext context) =>
        write is not null && data is { Single: { } value }
            ? write(value)
            : throw new NotSupportedException($"A batch of {typeof(T).Name} is only read.");

    private StreamRecord<T> Decode(ConsumeResult<byte[], byte[]> raw)
    {
        var stamp = DateTimeOffset.FromUnixTimeMilliseconds(raw.Message.Timestamp.UnixTimestampMs);
        try
        {
            var value = read(
                raw.Message.Value ?? throw new FormatException("The record has no value."),
                raw.Message.Headers
            );
            return new StreamRecord<T>(raw, value, time?.Invoke(value, stamp) ?? stamp, null);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return new StreamRecord<T>(raw, default, stamp, e);
        }
    }
}
