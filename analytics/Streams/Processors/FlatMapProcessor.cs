namespace EventStream.Streams.Processors;

internal sealed class FlatMapProcessor<TKey, TValue, TKeyOut, TValueOut>(
    Func<TKey, TValue, IEnumerable<KeyValuePair<TKeyOut, TValueOut>>> map
) : Processor<TKey, TValue, TKeyOut, TValueOut>
{
    protected override void Process(Record<TKey, TValue> record)
    {
        foreach (var (key, value) in map(record.Key, record.Value))
            Forward(key, value, record.Time);
    }
}
