using System.Globalization;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using EventStream.Contracts;
using Microsoft.Extensions.Logging;

namespace EventStream.Messaging.Kafka;

/// <summary>What a broker has of the topics asked for: those that are missing, and where the others differ.</summary>
public sealed record TopicReport(IReadOnlyList<Topic> Missing, IReadOnlyList<TopicDifference> Differences);

/// <summary>Creates the topics of the contracts and reports where what exists differs from them.</summary>
public sealed partial class TopicAdmin(KafkaOptions options, ILogger<TopicAdmin> logger)
{
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Creates what is missing and returns each setting that differs. Safe to call from many roles at once. Throws
    /// <see cref="KafkaException"/> when the broker does not answer.
    /// </summary>
    public async Task<IReadOnlyList<TopicDifference>> EnsureAsync(
        IEnumerable<Topic> topics,
        CancellationToken cancellation
    )
    {
        using var admin = Open();
        var wanted = topics.ToList();
        var report = await CompareAsync(admin, wanted, cancellation);
        if (report.Missing.Count > 0)
            await CreateAsync(admin, report.Missing).WaitAsync(cancellation);
        return report.Differences;
    }

    /// <summary>
    /// Compares partitions, replicas, cleanup policy and retention with what exists, and changes nothing. Throws
    /// <see cref="KafkaException"/> when the broker does not answer.
    /// </summary>
    public async Task<TopicReport> CompareAsync(IEnumerable<Topic> topics, CancellationToken cancellation)
    {
        using var admin = Open();
        return await CompareAsync(admin, [.. topics], cancellation);
    }

    private IAdminClient Open() =>
        new AdminClientBuilder(new AdminClientConfig(options.ClientConfig("eventstream-admin")))
            .SetLogHandler((_, message) => ClientMessage(logger, message.Message))
            .SetErrorHandler((_, _) => { })
            .Build();

    private async Task<TopicReport> CompareAsync(IAdminClient admin, List<Topic> wanted, CancellationToken cancellation)
    {
        var existing = await Task.Run(() => admin.GetMetadata(RequestTimeout), cancellation);
        var found = existing.Topics.ToDictionary(topic => topic.Topic, topic => topic.Partitions);
        var there = wanted.Where(topic => found.ContainsKey(topic.Name)).ToList();
        var settings = await SettingsAsync(admin, there).WaitAsync(cancellation);
        var replicas = await ReplicasAsync(admin, existing, there.Select(topic => Replicas(found[topic.Name])))
            .WaitAsync(cancellation);
        return new TopicReport(
            [.. wanted.Except(there)],
            [
                .. there.SelectMany(topic =>
                    TopicSettings.Compare(
                        topic,
                        found[topic.Name].Count,
                        Replicas(found[topic.Name]),
                        replicas,
                        settings.GetValueOrDefault(topic.Name) ?? []
                    )
                ),
            ]
        );
    }

    /// <summary>Replicas of the partition that has the fewest.</summary>
    private static int Replicas(List<PartitionMetadata> partitions) =>
        partitions.Select(partition => partition.Replicas.Length).DefaultIfEmpty(0).Min();

    /// <summary>
    /// The replicas that each topic should have, or null where that is not known or the cluster has too few brokers for
    /// them. The cluster is asked only where some topic could have more than it has.
    /// </summary>
    private async Task<int?> ReplicasAsync(IAdminClient admin, Metadata existing, IEnumerable<int> actual)
    {
        var brokers = existing.Brokers.Count;
        if (actual.All(replicas => replicas >= brokers))
            return null;
        var wanted =
            options.ReplicationFactor == KafkaOptions.ClusterDefault
                ? await ClusterDefaultAsync(admin, existing.OriginatingBrokerId)
                : options.ReplicationFactor;
        return wanted <= brokers ? wanted : null;
    }

    private async Task<int?> ClusterDefaultAsync(IAdminClient admin, int broker)
    {
        try
        {
            var described = await admin.DescribeConfigsAsync(
                [new ConfigResource { Type = ResourceType.Broker, Name = $"{broker}" }],
                new DescribeConfigsOptions { RequestTimeout = RequestTimeout }
            );
            return
                described.Single().Entries.TryGetValue(TopicSettings.ClusterReplicas, out var entry)
                && int.TryParse(entry.Value, CultureInfo.InvariantCulture, out var count)
                ? count
                : null;
        }
        catch (KafkaException e) when (e is DescribeConfigsException)
        {
            // A client that may not read the brokers' settings can still create topics.
            ClientMessage(logger, e.Error.Reason);
            return null;
        }
    }

    private static async Task<Dictionary<string, Dictionary<string, string>>> SettingsAsync(
        IAdminClient admin,
        List<Topic> topics
    )
    {
        if (topics.Count == 0)
            return [];
        var resources = topics.Select(topic => new ConfigResource { Type = ResourceType.Topic, Name = topic.Name });
        var described = await admin.DescribeConfigsAsync(
            resources,
            new DescribeConfigsOptions { RequestTimeout = RequestTimeout }
        );
        return described.ToDictionary(
            topic => topic.ConfigResource.Name,
            topic => topic.Entries.ToDictionary(entry => entry.Key, entry => entry.Value.Value)
        );
    }

    private async Task CreateAsync(IAdminClient admin, IReadOnlyList<Topic> topics)
    {
        try
        {
            await admin.CreateTopicsAsync(
                topics.Select(Specification),
                new CreateTopicsOptions { RequestTimeout = RequestTimeout }
            );
        }
        catch (CreateTopicsException e)
            when (e.Results.All(result => result.Error.Code is ErrorCode.NoError or ErrorCode.TopicAlreadyExists))
        {
            // Another role was first, which is what was wanted.
        }
    }

    private TopicSpecification Specification(Topic topic) =>
        new()
        {
            Name = topic.Name,
            NumPartitions = topic.Partitions,
            ReplicationFactor = options.ReplicationFactor,
            Configs = TopicSettings.Of(topic),
        };

    [LoggerMessage(Level = LogLevel.Debug, Message = "Kafka admin: {Text}")]
    private static partial void ClientMessage(ILogger logger, string text);
}
