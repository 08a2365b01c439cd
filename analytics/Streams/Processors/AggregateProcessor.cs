namespace EventStream.Streams.Processors;

/// <summary>Folds the records of a key into one value and forwards each new value.</summary>
internal sealed class AggregateProcessor<TKey, TValue, TAggregate>(
    string store,
    Func<TAggregate> initial,
    Func<TKey, TValue, TAggregate, TAggregate> fold
) : Processor<TKey, TValue, TKey, TAggregate>
    where TKey : notnull
{
    private KeyValueStore<TKey, TAggregate> aggregates = null!;

    protected override void Init() => aggregates = Context.Store<KeyValueStore<TKey, TAggregate>>(store);

    protected override void Process(Record<TKey, TValue> record)
    {
        var before = aggregates.TryGet(record.Key, out var found) ? found : initial();
        var after = fold(record.Key, record.Value, before);
        aggregates.Put(record.Key, after);
        Forward(record.WithValue(after));
    }
}
