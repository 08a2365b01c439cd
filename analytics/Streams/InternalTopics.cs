using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;

namespace EventStream.Streams;

/// <summary>
/// The topics that belong to an application: those between sub-topologies, and the changelogs of its stores. They are
/// made before the library looks for them, with the platform's replicas: it would make them itself, but sleeps for
/// seconds when two instances start at once. They are compacted or kept without a limit, never by age: their records
/// carry event time, which may be long past when a stream is replayed.
/// </summary>
internal sealed class InternalTopics(StreamsOptions options, KafkaOptions kafka, TopicAdmin admin, TimeProvider clock)
{
    /// <summary>Twenty seconds in all.</summary>
    private const int LeaderTriesMax = 100;

    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LeaderWait = TimeSpan.FromMilliseconds(200);

    /// <summary>The internal topics, once they exist.</summary>
    public IReadOnlyList<string> Names { get; private set; } = [];

    /// <summary>A sentence for each internal topic with fewer replicas than it should have.</summary>
    public IReadOnlyList<string> FewReplicas { get; private set; } = [];

    /// <summary>
    /// Creates what is missing and returns the partitions of each topic that is read. Throws <see
    /// cref="StreamException"/> when an input does not exist, when inputs that meet in one task differ in partitions,
    /// or when an internal topic that exists has the wrong number.
    /// </summary>
    public async Task<IReadOnlyDictionary<string, int>> EnsureAsync(StreamShape shape, CancellationToken cancellation)
    {
        var partitions = await CountPartitionsAsync(cancellation);
        var wanted = new List<Topic>();
        foreach (var step in shape.Steps)
        {
            foreach (var (name, count) in step.Repartitions)
            {
                partitions[name] = count ?? shape.Inputs.Max(topic => partitions.GetValueOrDefault(topic));
                wanted.Add(Internal(name, partitions[name], compacted: false));
            }

            var shared = CoPartitions(step, partitions);
            wanted.AddRange(
                step.Stores.Select(store =>
                    Internal($"{options.ApplicationId}-{store}-changelog", shared, compacted: true)
                )
            );
        }

        var differences = await admin.EnsureAsync(wanted, cancellation);
        // Fewer replicas are a risk, and no reason to stop.
        FewReplicas = [.. differences.Where(IsAboutReplicas).Select(difference => difference.ToString())];
        var wrong = differences.Where(difference => !IsAboutReplicas(difference)).ToList();
        if (wrong.Count > 0)
            throw new StreamException(string.Join(' ', wrong));
        Names = [.. wanted.Select(topic => topic.Name)];
        await UntilLedAsync(cancellation);
        return partitions;
    }

    /// <summary>A topic that was just created has no leader for a moment, and readers would be refused.</summary>
    private async Task UntilLedAsync(CancellationToken cancellation)
    {
        using var client = BuildClient();
        var names = Names.ToHashSet(StringComparer.Ordinal);
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

        throw new StreamException(
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

    private static int CoPartitions(StreamStep step, Dictionary<string, int> partitions)
    {
        var counts = step.Topics.ToDictionary(topic => topic, topic => partitions.GetValueOrDefault(topic));
        if (counts.FirstOrDefault(pair => pair.Value == 0).Key is { } missing)
            throw new StreamException($"Topic '{missing}' does not exist; create it before the application starts.");
        if (counts.Values.Distinct().Count() > 1)
        {
            throw new StreamException(
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
