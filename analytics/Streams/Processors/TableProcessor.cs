namespace EventStream.Streams.Processors;

/// <summary>Keeps the latest value of each key, as a table; forwards each change.</summary>
internal sealed class TableProcessor<TKey, TValue>(string store) : Processor<TKey, TValue, TKey, TValue>
    where TKey : notnull
{
    private KeyValueStore<TKey, TValue> table = null!;

    protected override void Init() => table = Context.Store<KeyValueStore<TKey, TValue>>(store);

    protected override void Process(Record<TKey, TValue> record)
    {
        table.Put(record.Key, record.Value);
        Forward(record);
    }
}
