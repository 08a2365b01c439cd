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
    /// Creates what is missing and returns a sentence for each setting that differs. Safe to call from many roles at
    /// once. Throws <see cref="KafkaException"/> when the broker does not answer.
    /// </summary>
    public async Task<IReadOnlyList<string>> EnsureAsync(IEnumerable<Topic> topics, CancellationToken cancellation)
    {
        using var admin = Open();
        var wanted = topics.ToList();
        var report = await CompareAsync(admin, wanted, cancellation);
        if (report.Missing.Count > 0) await CreateAsync(admin, report.Missing).WaitAsync(cancellation);
        return [.. report.Differences.Select(difference => difference.ToString())];
    }

    /// <summary>
    /// Compares partitions, cleanup policy and retention with what exists, and changes nothing. Throws
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
            .SetErrorHandler((_, _) => { }).Build();

    private static async Task<TopicReport> CompareAsync(
        IAdminClient admin, List<Topic> wanted, CancellationToken cancellation)
    {
        var existing = await Task.Run(() => admin.GetMetadata(RequestTimeout), cancellation);
        var partitions = existing.Topics.ToDictionary(topic => topic.Topic, topic => topic.Partitions.Count);
        var there = wanted.Where(topic => partitions.ContainsKey(topic.Name)).ToList();
        var settings = await SettingsAsync(admin, there).WaitAsync(cancellation);
        return new TopicReport(
            [.. wanted.Except(there)],
            [.. there.SelectMany(topic =>
                TopicSettings.Compare(topic, partitions[topic.Name], settings.GetValueOrDefault(topic.Name) ?? []))]);
    }

    private static async Task<Dictionary<string, Dictionary<string, string>>> SettingsAsync(
        IAdminClient admin, List<Topic> topics)
    {
        if (topics.Count == 0) return [];
        var resources = topics.Select(topic => new ConfigResource { Type = ResourceType.Topic, Name = topic.Name });
        var described = await admin.DescribeConfigsAsync(
            resources, new DescribeConfigsOptions { RequestTimeout = RequestTimeout });
        return described.ToDictionary(
            topic => topic.ConfigResource.Name,
            topic => topic.Entries.ToDictionary(entry => entry.Key, entry => entry.Value.Value));
    }

    private async Task CreateAsync(IAdminClient admin, IReadOnlyList<Topic> topics)
    {
        try
        {
            await admin.CreateTopicsAsync(
                topics.Select(Specification), new CreateTopicsOptions { RequestTimeout = RequestTimeout });
        }
        catch (CreateTopicsException e) when (e.Results.All(
            result => result.Error.Code is ErrorCode.NoError or ErrorCode.TopicAlreadyExists))
        {
            // Another role was first, which is what was wanted.
        }
    }

    private TopicSpecification Specification(Topic topic) => new()
    {
        Name = topic.Name,
        NumPartitions = topic.Partitions,
        ReplicationFactor = options.ReplicationFactor,
        Configs = TopicSettings.Of(topic),
    };

    [LoggerMessage(Level = LogLevel.Debug, Message = "Kafka admin: {Text}")]
    private static partial void ClientMessage(ILogger logger, string text);
}
