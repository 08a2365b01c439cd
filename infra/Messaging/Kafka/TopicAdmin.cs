using System.Globalization;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using EventStream.Contracts;
using Microsoft.Extensions.Logging;

namespace EventStream.Messaging.Kafka;

/// <summary>Creates the topics of the contracts and reports where what exists differs from them.</summary>
public sealed partial class TopicAdmin(KafkaOptions options, ILogger<TopicAdmin> logger)
{
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Creates what is missing and returns a sentence for each topic whose partitions differ. Safe to call from many
    /// roles at once. Throws <see cref="KafkaException"/> when the broker does not answer.
    /// </summary>
    public async Task<IReadOnlyList<string>> EnsureAsync(IEnumerable<Topic> topics, CancellationToken cancellation)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig(options.ClientConfig("eventstream-admin")))
            .SetLogHandler((_, message) => ClientMessage(logger, message.Message))
            .SetErrorHandler((_, _) => { }).Build();
        var wanted = topics.ToList();
        var existing = await Task.Run(() => admin.GetMetadata(RequestTimeout), cancellation);
        var partitions = existing.Topics.ToDictionary(topic => topic.Topic, topic => topic.Partitions.Count);
        var missing = wanted.Where(topic => !partitions.ContainsKey(topic.Name)).ToList();
        if (missing.Count > 0) await CreateAsync(admin, missing).WaitAsync(cancellation);
        return wanted.Where(topic => partitions.TryGetValue(topic.Name, out var count) && count != topic.Partitions)
            .Select(topic =>
                $"Topic '{topic}' has {partitions[topic.Name]} partitions, the contracts say {topic.Partitions}; "
                + "create it anew or add partitions.")
            .ToList();
    }

    private async Task CreateAsync(IAdminClient admin, List<Topic> topics)
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
        Configs = new Dictionary<string, string>
        {
            ["cleanup.policy"] = topic.Compacted ? "compact" : "delete",
            ["retention.ms"] = topic.Retention is { } kept
                ? ((long)kept.TotalMilliseconds).ToString(CultureInfo.InvariantCulture)
                : "-1",
        },
    };

    [LoggerMessage(Level = LogLevel.Debug, Message = "Kafka admin: {Text}")]
    private static partial void ClientMessage(ILogger logger, string text);
}
