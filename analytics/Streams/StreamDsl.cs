using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Streams.State;
using Streamiz.Kafka.Net;
using Streamiz.Kafka.Net.Processors;
using Streamiz.Kafka.Net.Processors.Public;
using Streamiz.Kafka.Net.SerDes;
using Streamiz.Kafka.Net.Stream;

namespace EventStream.Streams;

/// <summary>
/// One step of a topology: the topics that its tasks read, the store that keeps stream time, and the processors that
/// each record goes through in turn.
/// </summary>
public sealed record StepSpec<TIn>(
    StreamScope Scope,
    IReadOnlyList<string> Topics,
    string Clock,
    params Func<Processor<TIn>>[] Processors
);

/// <summary>The few words of the library's DSL that our topologies are made of.</summary>
public static class StreamDsl
{
    /// <summary>Adds a store of the latest value of each key.</summary>
    public static StreamBuilder AddKeyValueStore<TKey, TValue>(
        this StreamBuilder builder,
        StreamScope scope,
        string name,
        ISerDes<TKey> keys,
        ISerDes<TValue> values
    )
        where TKey : notnull =>
        builder.Add(name, config => new TypedKeyValueStore<TKey, TValue>(scope, name, config, keys, values));

    /// <summary>Adds a store of one value for each window and key.</summary>
    public static StreamBuilder AddWindowStore<TKey, TValue>(
        this StreamBuilder builder,
        StreamScope scope,
        string name,
        ISerDes<TKey> keys,
        ISerDes<TValue> values
    )
        where TKey : notnull =>
        builder.Add(name, config => new TypedWindowStore<TKey, TValue>(scope, name, config, keys, values));

    /// <summary>Adds the store in which a step keeps its stream time.</summary>
    public static StreamBuilder AddClock(this StreamBuilder builder, StreamScope scope, string name) =>
        builder.AddKeyValueStore(scope, name, SerDes.Text, SerDes.Long);

    private static StreamBuilder Add<TStore>(this StreamBuilder builder, string name, Func<IStreamConfig, TStore> make)
        where TStore : IStateStore
    {
        builder.AddStateStore(new StoreBuilder<TStore>(name, make));
        return builder;
    }

    /// <summary>Reads a topic in batches.</summary>
    public static IKStream<string, Batch<T>> Batches<T>(
        this StreamBuilder builder,
        string topic,
        BatchSerDes<T> values
    ) => builder.Stream(topic, SerDes.Text, values, null, new BatchTime());

    /// <summary>
    /// Runs a step; <paramref name="stores"/> are those that its processors use. Out come messages of the platform, and
    /// what else its processors forward.
    /// </summary>
    public static IKStream<string, object> Process<TIn>(
        this IKStream<string, Batch<TIn>> input,
        StepSpec<TIn> spec,
        params string[] stores
    )
    {
        var outputs = input.Transform(
            TransformerBuilder
                .New<string, Batch<TIn>, string, object>()
                .Transformer<EventTimeProcessor<TIn>>(spec)
                .Build(),
            null,
            [.. stores, spec.Clock]
        );
        outputs.OfType<RecordDeadLettered>().To(Topics.DeadLetters);
        return outputs;
    }

    /// <summary>Only the values of one type.</summary>
    public static IKStream<string, T> OfType<T>(this IKStream<string, object> values) =>
        values.Filter((_, value, _) => value is T).MapValues((_, value, _) => (T)value);

    /// <summary>Writes messages to a topic of the platform, to the partition of their key.</summary>
    public static void To<TMessage>(this IKStream<string, TMessage> values, Topic topic)
        where TMessage : class, IMessage =>
        // Without a partitioner of the library: with one it would look the partitions up for each record.
        values.To(new FixedTopic<TMessage>(topic.Name), null!, SerDes.Text, SerDes.Message<TMessage>());

    /// <summary>
    /// Sends values through a topic of the application, so that equal keys meet in one task; with the inputs' number of
    /// partitions, unless one is given.
    /// </summary>
    public static IKStream<string, Batch<T>> Repartition<T>(
        this IKStream<string, T> values,
        StreamScope scope,
        string name,
        ISerDes<T> serDes,
        int? partitions = null
    )
    {
        scope.Repartitions[name] = partitions;
        var repartitioned = Repartitioned<string, Batch<T>>
            .As(name)
            .WithKeySerdes(SerDes.Text)
            .WithValueSerdes(
                new BatchSerDes<T>(
                    (data, _) => serDes.Deserialize(data, default),
                    write: value => serDes.Serialize(value, default)
                )
            );
        return values
            .MapValues((_, value, _) => new Batch<T>(value))
            .Repartition(partitions is { } count ? repartitioned.WithNumberOfPartitions(count) : repartitioned);
    }

    private sealed class FixedTopic<T>(string name) : ITopicNameExtractor<string, T>
    {
        public string Extract(string key, T value, IRecordContext recordContext) => name;
    }
}

/// <summary>The event time of a batch is that of its first record.</summary>
internal sealed class BatchTime : ITimestampExtractor
{
    public long Extract(ConsumeResult<object, object> record, long partitionTime)
    {
        var stamp = Math.Max(0, record.Message.Timestamp.UnixTimestampMs);
        return
            record.Message.Value is IBatch batch
            && batch.FirstTime(DateTimeOffset.FromUnixTimeMilliseconds(stamp)) is { } time
            ? Math.Max(0, time.ToUnixTimeMilliseconds())
            : stamp;
    }
}
