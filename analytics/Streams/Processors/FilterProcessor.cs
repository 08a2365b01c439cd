namespace EventStream.Streams.Processors;

internal sealed class FilterProcessor<TKey, TValue>(Func<TKey, TValue, bool> keep)
    : Processor<TKey, TValue, TKey, TValue>
{
    protected override void Process(Record<TKey, TValue> record)
    {
        if (keep(record.Key, record.Value))
            Forward(record);
    }
}
