using Confluent.Kafka;

namespace EventStream.Streams;

/// <summary>
/// Turns values into bytes and back. <c>Write</c> may add headers, <c>Read</c> may look at them. <c>Read</c> throws
/// on bytes that are not such a value; the source's bad-record policy then decides.
/// </summary>
public abstract class Serde<T>
{
    public abstract byte[] Write(T value);

    public abstract T Read(ReadOnlySpan<byte> data, Headers? headers);

    /// <summary>Adds what a reader elsewhere needs to know; nothing by default.</summary>
    public virtual void Describe(T value, Headers headers, RecordOrigin origin) { }
}

/// <summary>
/// Where an output comes from: its deterministic id, the application, the event time and the trace context of the
/// input. The id is built from the input's topic, partition and offset, so that a figure can be followed to the
/// record behind it and a repeated computation gives the same id.
/// </summary>
public readonly record struct RecordOrigin(string Id, string Application, DateTimeOffset Time, string? TraceParent);
