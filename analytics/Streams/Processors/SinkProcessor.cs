using Confluent.Kafka;

namespace EventStream.Streams.Processors;

/// <summary>Writes records to a topic: the stream's own, or one between two sub-topologies.</summary>
internal sealed class SinkProcessor<TKey, TValue>(string topic, Serde<TKey> keys, Serde<TValue> values)
    : Processor<TKey, TValue, TKey, TValue>
{
    protected override void Process(Record<TKey, TValue> record)
    {
        var headers = new Headers();
        values.Describe(record.Value, headers, Task.NextOrigin(record.Time));
        Task.Send(
            new OutputRecord(topic, null, keys.Write(record.Key), values.Write(record.Value), headers, record.Time)
        );
    }
}
