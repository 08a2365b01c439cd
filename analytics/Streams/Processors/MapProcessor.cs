namespace EventStream.Streams.Processors;

internal sealed class MapProcessor<TKey, TValue, TKeyOut, TValueOut>(
    Func<TKey, TValue, KeyValuePair<TKeyOut, TValueOut>> map
) : Processor<TKey, TValue, TKeyOut, TValueOut>
{
    protected override void Process(Record<TKey, TValue> record)
    {
        var (key, value) = map(record.Key, record.Value);
        Forward(key, value, record.Time);
    }
}
