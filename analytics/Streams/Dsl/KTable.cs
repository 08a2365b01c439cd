namespace EventStream.Streams;

/// <summary>The changing latest value of each key, kept in a store.</summary>
public sealed class KTable<TKey, TValue>
    where TKey : notnull
{
    private readonly StreamBuilder builder;
    private readonly string node;

    internal KTable(StreamBuilder builder, string node, string store) =>
        (this.builder, this.node, Store) = (builder, node, store);

    /// <summary>The name of the store that holds the table.</summary>
    public string Store { get; }

    /// <summary>The changes of the table as a stream.</summary>
    public KStream<TKey, TValue> ToStream() => new(builder, node, keyChanged: false);
}
