using EventStream.Streams.Processors;

namespace EventStream.Streams;

/// <summary>A stream whose equal keys meet in one task, ready to be folded.</summary>
public sealed class KGroupedStream<TKey, TValue>
    where TKey : notnull
{
    private readonly StreamBuilder builder;
    private readonly string node;

    internal KGroupedStream(StreamBuilder builder, string node) => (this.builder, this.node) = (builder, node);

    /// <summary>Folds all records of a key.</summary>
    public KTable<TKey, TAggregate> Aggregate<TAggregate>(
        Func<TAggregate> initial,
        Func<TKey, TValue, TAggregate, TAggregate> fold,
        Materialized<TKey, TAggregate> store
    )
    {
        builder.AddKeyValueStore(store);
        var name = builder.AddNode(
            "AGGREGATE",
            NodeKind.Processor,
            [node],
            [store.Name],
            null,
            () => new AggregateProcessor<TKey, TValue, TAggregate>(store.Name, initial, fold)
        );
        return new KTable<TKey, TAggregate>(builder, name, store.Name);
    }

    /// <summary>Counts the records of a key.</summary>
    public KTable<TKey, long> Count(string store, Serde<TKey> keys) =>
        Aggregate(() => 0L, (_, _, count) => count + 1, new Materialized<TKey, long>(store, keys, Serdes.Long));

    /// <summary>Folds by window instead.</summary>
    public WindowedKStream<TKey, TValue> WindowedBy(TimeWindows windows) => new(builder, node, windows);
}

/// <summary>A grouped stream cut into windows.</summary>
public sealed class WindowedKStream<TKey, TValue>
    where TKey : notnull
{
    private readonly StreamBuilder builder;
    private readonly string node;
    private readonly TimeWindows windows;
    private readonly EmitStrategy emit;

    internal WindowedKStream(
        StreamBuilder builder,
        string node,
        TimeWindows windows,
        EmitStrategy emit = EmitStrategy.OnEachUpdate
    ) => (this.builder, this.node, this.windows, this.emit) = (builder, node, windows, emit);

    /// <summary>Speaks once for each window, when it closes: intermediate values are suppressed.</summary>
    public WindowedKStream<TKey, TValue> SuppressUntilWindowCloses() =>
        new(builder, node, windows, EmitStrategy.OnWindowClose);

    /// <summary>Folds the records of a key and window.</summary>
    public KTable<Windowed<TKey>, TAggregate> Aggregate<TAggregate>(
        Func<TAggregate> initial,
        Func<TKey, TValue, TAggregate, TAggregate> fold,
        Materialized<TKey, TAggregate> store
    )
    {
        builder.AddWindowStore(store);
        var name = builder.AddNode(
            "WINDOWED",
            NodeKind.Processor,
            [node],
            [store.Name],
            null,
            () => new WindowedAggregateProcessor<TKey, TValue, TAggregate>(store.Name, windows, emit, initial, fold)
        );
        return new KTable<Windowed<TKey>, TAggregate>(builder, name, store.Name);
    }
}
