using EventStream.Streams.Processors;

namespace EventStream.Streams;

/// <summary>
/// How a topic is read: serdes, and the event time made of key, value and the record's timestamp (default: that).
/// </summary>
public sealed record Consumed<TKey, TValue>(
    Serde<TKey> Keys,
    Serde<TValue> Values,
    Func<TKey, TValue, DateTimeOffset, DateTimeOffset>? Time = null
);

/// <summary>How a topic is written.</summary>
public sealed record Produced<TKey, TValue>(Serde<TKey> Keys, Serde<TValue> Values);

/// <summary>
/// How a stream is regrouped: the name of the topic between, its serdes, and its partitions (default: as the input).
/// </summary>
public sealed record Repartitioned<TKey, TValue>(
    string Name,
    Serde<TKey> Keys,
    Serde<TValue> Values,
    int? Partitions = null
);

/// <summary>How a store is called and written.</summary>
public sealed record Materialized<TKey, TValue>(string Name, Serde<TKey> Keys, Serde<TValue> Values);

/// <summary>Whether a window speaks at each update or once, when it closes.</summary>
public enum EmitStrategy
{
    OnEachUpdate,
    OnWindowClose,
}

/// <summary>Builds a topology, in the words of Kafka Streams. Building has no effect but the description.</summary>
public sealed class StreamBuilder
{
    private readonly List<NodeSpec> nodes = [];
    private readonly List<StoreSpec> stores = [];

    /// <summary>A stream of a topic's records.</summary>
    public KStream<TKey, TValue> Stream<TKey, TValue>(string topic, Consumed<TKey, TValue> consumed)
        where TKey : notnull => Source(new TopicRef(topic, Internal: false), consumed);

    /// <summary>A table of the latest value of each key of a topic.</summary>
    public KTable<TKey, TValue> Table<TKey, TValue>(
        string topic,
        Consumed<TKey, TValue> consumed,
        Materialized<TKey, TValue> store
    )
        where TKey : notnull
    {
        AddKeyValueStore(store);
        var source = Stream(topic, consumed);
        var node = AddNode(
            "TABLE",
            NodeKind.Processor,
            [source.Node],
            [store.Name],
            null,
            () => new TableProcessor<TKey, TValue>(store.Name)
        );
        return new KTable<TKey, TValue>(this, node, store.Name);
    }

    /// <summary>
    /// Adds a store that processors may be connected to. Throws <see cref="TopologyException"/> on a name used twice.
    /// </summary>
    public StreamBuilder AddKeyValueStore<TKey, TValue>(Materialized<TKey, TValue> store)
        where TKey : notnull =>
        AddStore(
            new StoreSpec(store.Name, () => new KeyValueStore<TKey, TValue>(store.Name, store.Keys, store.Values))
        );

    /// <summary>Adds a store of windows. Throws <see cref="TopologyException"/> on a name used twice.</summary>
    public StreamBuilder AddWindowStore<TKey, TValue>(Materialized<TKey, TValue> store)
        where TKey : notnull =>
        AddStore(
            new StoreSpec(store.Name, () => new WindowStore<TKey, TValue>(store.Name, store.Keys, store.Values))
        );

    /// <summary>The finished description.</summary>
    public Topology Build() => new(nodes.ToList(), stores.ToList());

    internal KStream<TKey, TValue> Source<TKey, TValue>(TopicRef topic, Consumed<TKey, TValue> consumed)
        where TKey : notnull
    {
        if (nodes.Any(node => node.Kind == NodeKind.Source && node.Topic == topic))
            throw new TopologyException($"Topic '{topic.Name}' is read twice; use one stream and branch from it.");
        var name = AddNode(
            "SOURCE",
            NodeKind.Source,
            [],
            [],
            topic,
            () => new SourceProcessor<TKey, TValue>(consumed)
        );
        return new KStream<TKey, TValue>(this, name, keyChanged: false);
    }

    internal string AddNode(
        string word,
        NodeKind kind,
        IReadOnlyList<string> parents,
        IReadOnlyList<string> usedStores,
        TopicRef? topic,
        Func<IProcessorNode> create
    )
    {
        var missing = usedStores.FirstOrDefault(name => stores.All(store => store.Name != name));
        if (missing is not null)
            throw new TopologyException($"Store '{missing}' is not known; add it before it is used.");
        var name = $"{word}-{nodes.Count:D4}";
        nodes.Add(new NodeSpec(name, kind, parents, usedStores, topic, create));
        return name;
    }

    private StreamBuilder AddStore(StoreSpec store)
    {
        if (stores.Any(other => other.Name == store.Name))
            throw new TopologyException($"Store '{store.Name}' is added twice.");
        stores.Add(store);
        return this;
    }
}
