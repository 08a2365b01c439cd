namespace EventStream.Streams.Processors;

/// <summary>Enriches each record with the table's value of its key at that moment, or with nothing.</summary>
internal sealed class LeftJoinProcessor<TKey, TValue, TTable, TOut>(string store, Func<TValue, TTable?, TOut> join)
    : Processor<TKey, TValue, TKey, TOut>
    where TKey : notnull
{
    private KeyValueStore<TKey, TTable> table = null!;

    protected override void Init() => table = Context.Store<KeyValueStore<TKey, TTable>>(store);

    protected override void Process(Record<TKey, TValue> record) =>
        Forward(record.WithValue(join(record.Value, table.TryGet(record.Key, out var found) ? found : default)));
}
