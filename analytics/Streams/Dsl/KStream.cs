using EventStream.Streams.Processors;

namespace EventStream.Streams;

/// <summary>
/// An unbounded stream of records. Each method adds a node to the topology and returns the stream behind it.
/// </summary>
public sealed class KStream<TKey, TValue>
    where TKey : notnull
{
    private readonly StreamBuilder builder;
    private readonly bool keyChanged;

    internal KStream(StreamBuilder builder, string node, bool keyChanged) =>
        (this.builder, Node, this.keyChanged) = (builder, node, keyChanged);

    internal string Node { get; }

    /// <summary>Keeps the records for which <paramref name="keep"/> holds.</summary>
    public KStream<TKey, TValue> Filter(Func<TKey, TValue, bool> keep) =>
        Next<TKey, TValue>("FILTER", keyChanged, () => new FilterProcessor<TKey, TValue>(keep));

    /// <summary>Replaces key and value.</summary>
    public KStream<TKeyOut, TValueOut> Map<TKeyOut, TValueOut>(
        Func<TKey, TValue, KeyValuePair<TKeyOut, TValueOut>> map
    )
        where TKeyOut : notnull =>
        Next<TKeyOut, TValueOut>("MAP", true, () => new MapProcessor<TKey, TValue, TKeyOut, TValueOut>(map));

    /// <summary>Replaces the value; the key, and with it the partition, stays.</summary>
    public KStream<TKey, TValueOut> MapValues<TValueOut>(Func<TKey, TValue, TValueOut> map) =>
        Next<TKey, TValueOut>("MAPVALUES", keyChanged, () => new MapValuesProcessor<TKey, TValue, TValueOut>(map));

    /// <summary>Replaces each record by none, one or many.</summary>
    public KStream<TKeyOut, TValueOut> FlatMap<TKeyOut, TValueOut>(
        Func<TKey, TValue, IEnumerable<KeyValuePair<TKeyOut, TValueOut>>> map
    )
        where TKeyOut : notnull =>
        Next<TKeyOut, TValueOut>("FLATMAP", true, () => new FlatMapProcessor<TKey, TValue, TKeyOut, TValueOut>(map));

    /// <summary>Replaces the key.</summary>
    public KStream<TKeyOut, TValue> SelectKey<TKeyOut>(Func<TKey, TValue, TKeyOut> select)
        where TKeyOut : notnull => Map((key, value) => KeyValuePair.Create(select(key, value), value));

    /// <summary>Keeps the values of one type, as that type.</summary>
    public KStream<TKey, TValueOut> OfType<TValueOut>()
        where TValueOut : TValue =>
        Next<TKey, TValueOut>("OFTYPE", keyChanged, () => new OfTypeProcessor<TKey, TValue, TValueOut>());

    /// <summary>Both streams as one, in the order in which the task processes them.</summary>
    public KStream<TKey, TValue> Merge(KStream<TKey, TValue> other)
    {
        var node = builder.AddNode(
            "MERGE",
            NodeKind.Processor,
            [Node, other.Node],
            [],
            null,
            () => new PassProcessor<TKey, TValue>()
        );
        return new KStream<TKey, TValue>(builder, node, keyChanged || other.keyChanged);
    }

    /// <summary>Runs a processor of one's own, connected to the stores that are named.</summary>
    public KStream<TKeyOut, TValueOut> Process<TKeyOut, TValueOut>(
        Func<Processor<TKey, TValue, TKeyOut, TValueOut>> create,
        params string[] stores
    )
        where TKeyOut : notnull
    {
        var node = builder.AddNode("PROCESS", NodeKind.Processor, [Node], stores, null, create);
        return new KStream<TKeyOut, TValueOut>(builder, node, keyChanged: true);
    }

    /// <summary>Sends the stream through a topic of the application, so that equal keys meet in one task.</summary>
    public KStream<TKey, TValue> Repartition(Repartitioned<TKey, TValue> by)
    {
        var topic = new TopicRef($"{by.Name}-repartition", Internal: true, by.Partitions);
        Sink(topic, new Produced<TKey, TValue>(by.Keys, by.Values));
        return builder.Source(topic, new Consumed<TKey, TValue>(by.Keys, by.Values));
    }

    /// <summary>
    /// Sends the stream through a topic that exists outside of the application, and goes on from there.
    /// </summary>
    public KStream<TKey, TValue> Through(string topic, Produced<TKey, TValue> produced)
    {
        To(topic, produced);
        return builder.Stream(topic, new Consumed<TKey, TValue>(produced.Keys, produced.Values));
    }

    /// <summary>Writes the stream to a topic.</summary>
    public void To(string topic, Produced<TKey, TValue> produced) =>
        Sink(new TopicRef(topic, Internal: false), produced);

    /// <summary>
    /// Groups by the present key; goes through a topic first where the key was changed since the source.
    /// </summary>
    public KGroupedStream<TKey, TValue> GroupByKey(Repartitioned<TKey, TValue> by) =>
        new(builder, keyChanged ? Repartition(by).Node : Node);

    /// <summary>
    /// Enriches each record with the table's value of its key, or with nothing. Both must have the same partitions.
    /// </summary>
    public KStream<TKey, TOut> LeftJoin<TTable, TOut>(KTable<TKey, TTable> table, Func<TValue, TTable?, TOut> join)
    {
        var node = builder.AddNode(
            "LEFTJOIN",
            NodeKind.Processor,
            [Node],
            [table.Store],
            null,
            () => new LeftJoinProcessor<TKey, TValue, TTable, TOut>(table.Store, join)
        );
        return new KStream<TKey, TOut>(builder, node, keyChanged);
    }

    private void Sink(TopicRef topic, Produced<TKey, TValue> produced) =>
        builder.AddNode(
            "SINK",
            NodeKind.Sink,
            [Node],
            [],
            topic,
            () =>
                new SinkProcessor<TKey, TValue>(
                    topic.Internal ? $"@{topic.Name}" : topic.Name,
                    produced.Keys,
                    produced.Values
                )
        );

    private KStream<TKeyOut, TValueOut> Next<TKeyOut, TValueOut>(
        string word,
        bool changed,
        Func<IProcessorNode> create
    )
        where TKeyOut : notnull =>
        new(builder, builder.AddNode(word, NodeKind.Processor, [Node], [], null, create), changed);
}
