using System.Collections.Concurrent;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;

namespace EventStream.Streams.Runtime;

/// <summary>
/// The topics that belong to an application: those between sub-topologies, and the changelogs of its stores. Both are
/// compacted or kept without a limit, never by age: their records carry event time, which may be long past when a
/// stream is replayed.
/// </summary>
internal sealed class InternalTopics(
    Topology topology,
    StreamsOptions options,
    KafkaOptions kafka,
    TopicAdmin admin,
    TimeProvider clock
)
{
    /// <summary>Twenty seconds in all.</summary>
    private const int LeaderTriesMax = 100;

    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LeaderWait = TimeSpan.FromMilliseconds(200);
    private readonly ConcurrentDictionary<int, int> tasksOf = [];

    /// <summary>How many partitions, and so tasks, a sub-topology has; known once the topics are there.</summary>
    public int PartitionsOf(SubTopology sub) => tasksOf[sub.Id];

    /// <summary>The internal topics, once they exist.</summary>
    public IReadOnlyList<string> Names { get; private set; } = [];

    /// <summary>A sentence for each internal topic with fewer replicas than it should have.</summary>
    public IReadOnlyList<string> FewReplicas { get; private set; } = [];

    /// <summary>
    /// Creates what is missing. Throws <see cref="TopologyException"/> when an input does not exist, when inputs that
    /// meet in one task differ in partitions, or when an internal topic that exists has the wrong number.
    /// </summary>
    public async Task EnsureAsync(CancellationToken cancellation)
    {
        var partitions = await CountPartitionsAsync(cancellation);
        var wanted = new List<Topic>();
        foreach (var sub in topology.SubTopologies)
        {
            foreach (var source in sub.Sources.Where(source => source.Topic!.Internal))
            {
                var count = source.Topic!.Partitions ?? DefaultPartitions(partitions);
                partitions[source.Topic.NameFor(options.ApplicationId)] = count;
                wanted.Add(Internal(source.Topic.NameFor(options.ApplicationId), count, compacted: false));
            }

            var shared = tasksOf[sub.Id] = CoPartitions(sub, partitions);
            var names = sub.Stores.Select(store => store.Name).ToList();
            if (names.Count > 0)
                names.Add($"task-{sub.Id}-time");
            wanted.AddRange(
                names.Select(name =>
                    Internal(StreamTask.ChangelogTopic(options.ApplicationId, name), shared, compacted: true)
                )
            );
        }

        var differences = await admin.EnsureAsync(wanted, cancellation);
        // Fewer replicas are a risk, and no reason to stand still.
        FewReplicas = [.. differences.Where(IsAboutReplicas).Select(difference => difference.ToString())];
        var wrong = differences.Where(difference => !IsAboutReplicas(difference)).ToList();
        if (wrong.Count > 0)
            throw new TopologyException(string.Join(' ', wrong));
        Names = [.. wanted.Select(topic => topic.Name)];
        await UntilLedAsync(wanted, cancellation);
    }

    /// <summary>A topic that was just created has no leader for a moment, and readers would be refused.</summary>
    private async Task UntilLedAsync(List<Topic> wanted, CancellationToken cancellation)
    {
        using var client = BuildClient();
        var names = wanted.Select(topic => topic.Name).ToHashSet(StringComparer.Ordinal);
        for (var attempt = 0; attempt < LeaderTriesMax; attempt++)
        {
            var metadata = await Task.Run(() => client.GetMetadata(RequestTimeout), cancellation);
            var led = metadata.Topics.Count(topic =>
                names.Contains(topic.Topic) && topic.Partitions.TrueForAll(partition => partition.Leader >= 0)
            );
            if (led == names.Count)
                return;
            await Task.Delay(LeaderWait, clock, cancellation);
        }

        throw new TopologyException(
            $"The brokers did not elect leaders for {string.Join(", ", names)}; look at their log."
        );
    }

    private static bool IsAboutReplicas(TopicDifference difference) => difference.Setting == TopicSettings.Replicas;

    private IAdminClient BuildClient() =>
        new AdminClientBuilder(new AdminClientConfig(kafka.ClientConfig($"{options.ApplicationId}-admin")))
            .SetLogHandler((_, _) => { })
            .SetErrorHandler((_, _) => { })
            .Build();

    private static Topic Internal(string name, int partitions, bool compacted) =>
        new(name, "internal", "Streams", "Streams", partitions, null, compacted);

    private int DefaultPartitions(Dictionary<string, int> partitions) =>
        topology.SourceTopics.Max(topic => partitions.GetValueOrDefault(topic));

    private int CoPartitions(SubTopology sub, Dictionary<string, int> partitions)
    {
        var counts = sub.Sources.ToDictionary(
            source => source.Topic!.NameFor(options.ApplicationId),
            source => partitions.GetValueOrDefault(source.Topic!.NameFor(options.ApplicationId))
        );
        if (counts.FirstOrDefault(pair => pair.Value == 0).Key is { } missing)
            throw new TopologyException(
                $"Topic '{missing}' does not exist; create it before the application starts."
            );
        if (counts.Values.Distinct().Count() > 1)
        {
            throw new TopologyException(
                "Topics that meet in one task must have the same number of partitions: "
                    + string.Join(", ", counts.Select(pair => $"{pair.Key} has {pair.Value}"))
                    + "."
            );
        }

        return counts.Values.First();
    }

    private async Task<Dictionary<string, int>> CountPartitionsAsync(CancellationToken cancellation)
    {
        using var client = BuildClient();
        var metadata = await Task.Run(() => client.GetMetadata(RequestTimeout), cancellation);
        return metadata
            .Topics.Where(topic => !topic.Error.IsError)
            .ToDictionary(topic => topic.Topic, topic => topic.Partitions.Count, StringComparer.Ordinal);
    }
}
