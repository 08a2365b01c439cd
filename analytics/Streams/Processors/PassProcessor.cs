namespace EventStream.Streams.Processors;

/// <summary>Joins several parents into one stream, in the order in which the task processes them.</summary>
internal sealed class PassProcessor<TKey, TValue> : Processor<TKey, TValue, TKey, TValue>
{
    protected override void Process(Record<TKey, TValue> record) => Forward(record);
}
