using EventStream.Streams.Runtime;

namespace EventStream.Streams.Processors;

/// <summary>A source of a task, whatever its types: takes raw records of one topic.</summary>
internal interface ISource
{
    /// <summary>Reads a record and its event time. Throws what the serde throws on bytes that are none.</summary>
    DecodedRecord Decode(RawRecord raw);
}

/// <summary>A record that was read, and what to do with it when its turn comes.</summary>
internal sealed record DecodedRecord(RawRecord Raw, DateTimeOffset Time, Action Process);

/// <summary>Reads raw records of a topic into typed ones and gives them their event time.</summary>
internal sealed class SourceProcessor<TKey, TValue>(Consumed<TKey, TValue> consumed)
    : Processor<TKey, TValue, TKey, TValue>,
        ISource
{
    public DecodedRecord Decode(RawRecord raw)
    {
        var key = consumed.Keys.Read(raw.Key, raw.Headers);
        var value = consumed.Values.Read(
            raw.Value ?? throw new FormatException("The record has no value."),
            raw.Headers
        );
        var time = consumed.Time?.Invoke(key, value, raw.Time) ?? raw.Time;
        return new DecodedRecord(raw, time, () => Process(new Record<TKey, TValue>(key, value, time)));
    }

    protected override void Process(Record<TKey, TValue> record) => Forward(record);
}
