using EventStream.Messaging.Kafka;
using EventStream.Streams;
using Microsoft.Extensions.Logging.Abstractions;
using Streamiz.Kafka.Net;
using Streamiz.Kafka.Net.Processors;
using Streamiz.Kafka.Net.Stream;

namespace EventStream.Benchmarks.Streams;

/// <summary>
/// The windowed count of the benchmark over the pieces of the room: host, clients, batches, a typed window store with
/// changelog. Closed windows go to an output topic.
/// </summary>
internal static class WindowCount
{
    public const string Output = "bench-counts";
    private const string Store = "counts";
    private const string Clock = "clock";
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    /// <summary>Defaults of the library for what is read at a time.</summary>
    private const int LibraryRestoreBatch = 1_000;
    private static readonly TimeSpan LibraryPollWait = TimeSpan.FromMilliseconds(100);

    /// <summary>The host of a child process, with the settings of the room or the library's.</summary>
    public static StreamHost Host(
        string bootstrap,
        string topic,
        string group,
        bool exactlyOnce,
        bool libraryDefaults = false
    )
    {
        var kafka = new KafkaOptions { Bootstrap = bootstrap };
        var options = new StreamsOptions
        {
            ApplicationId = group,
            InstanceId = "bench",
            CommitInterval = TimeSpan.FromMilliseconds(100),
            ProcessingGuarantee = exactlyOnce
                ? EventStream.Streams.ProcessingGuarantee.ExactlyOnceV2
                : EventStream.Streams.ProcessingGuarantee.AtLeastOnce,
        };
        if (libraryDefaults)
            options = options with { RestoreBatchMax = LibraryRestoreBatch, PollWait = LibraryPollWait };
        return new StreamHost(
            scope => Topology(scope, topic),
            options,
            kafka,
            new TopicAdmin(kafka, NullLogger<TopicAdmin>.Instance),
            TimeProvider.System,
            NullLogger<StreamHost>.Instance
        );
    }

    private static Topology Topology(StreamScope scope, string topic)
    {
        var builder = new StreamBuilder().AddClock(scope, Clock).AddWindowStore(scope, Store, SerDes.Text, SerDes.Long);
        var step = new StepSpec<byte[]>(
            scope,
            [topic],
            Clock,
            () =>
                new WindowProcessor<byte[], long>(
                    Store,
                    Window,
                    Grace,
                    0,
                    (_, count) => count + 1,
                    window => [(window.Key, (object)window.Value)]
                )
        );
        builder
            .Batches(topic, new BatchSerDes<byte[]>((data, _) => data))
            .Process(step, Store)
            .OfType<long>()
            .To(new OutputTopic(), null!, SerDes.Text, SerDes.Long);
        return builder.Build();
    }

    /// <summary>Without a partitioner of the library, as the room writes its messages.</summary>
    private sealed class OutputTopic : ITopicNameExtractor<string, long>
    {
        public string Extract(string key, long value, IRecordContext recordContext) => Output;
    }
}
