namespace EventStream.Streams.Processors;

internal sealed class MapValuesProcessor<TKey, TValue, TValueOut>(Func<TKey, TValue, TValueOut> map)
    : Processor<TKey, TValue, TKey, TValueOut>
{
    protected override void Process(Record<TKey, TValue> record) =>
        Forward(record.WithValue(map(record.Key, record.Value)));
}
