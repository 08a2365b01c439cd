using System.Globalization;
using EventStream.Contracts;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// One setting of a topic that is not what the contracts say. <paramref name="Setting"/> is <c>partitions</c>,
/// <c>replicas</c> or a name of Kafka's topic configuration.
/// </summary>
public sealed record TopicDifference(string Topic, string Setting, string Actual, string Wanted)
{
    /// <summary>What to do about it, with Kafka's own tools.</summary>
    public string Remedy =>
        Setting switch
        {
            TopicSettings.Partitions when Fewer =>
                $"add partitions (kafka-topics --alter --topic {Topic} --partitions {Wanted}) while "
                    + "nothing is in flight, because keys change their partition",
            TopicSettings.Partitions => "delete it and create it again: partitions cannot be taken away",
            TopicSettings.Replicas => "add replicas (kafka-reassign-partitions), or set Kafka:ReplicationFactor",
            _ => $"set it (kafka-configs --alter --topic {Topic} --add-config {Setting}={Wanted})",
        };

    /// <summary>The sentence for the operator.</summary>
    public override string ToString() =>
        Setting == TopicSettings.Replicas
            ? $"Topic '{Topic}' has replicas {Actual} where Kafka:ReplicationFactor or the cluster's "
                + $"default says {Wanted}, and is unavailable while the brokers that hold it are down; {Remedy}."
            : $"Topic '{Topic}' has {Setting} {Actual}, the contracts say {Wanted}; {Remedy}, or change the contracts.";

    private bool Fewer =>
        int.TryParse(Actual, CultureInfo.InvariantCulture, out var has)
        && int.TryParse(Wanted, CultureInfo.InvariantCulture, out var wants)
        && has < wants;
}

/// <summary>A topic of the contracts in the words of Kafka's topic configuration.</summary>
public static class TopicSettings
{
    public const string Partitions = "partitions";
    public const string Replicas = "replicas";
    public const string CleanupPolicy = "cleanup.policy";
    public const string RetentionMs = "retention.ms";

    /// <summary>The setting of a broker that says how many replicas a topic has by default.</summary>
    internal const string ClusterReplicas = "default.replication.factor";

    /// <summary>
    /// What the contracts ask of a topic. What a compacted topic keeps does not depend on its age.
    /// </summary>
    public static Dictionary<string, string> Of(Topic topic)
    {
        var kept = topic.Retention is { } time
            ? ((long)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture)
            : "-1";
        return new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [CleanupPolicy] = topic.Compacted ? "compact" : "delete",
            [RetentionMs] = topic.Compacted ? "-1" : kept,
        };
    }

    /// <summary>
    /// Where what exists differs from the contracts, or has fewer replicas than wanted; what is not known is not
    /// compared.
    /// </summary>
    public static IEnumerable<TopicDifference> Compare(
        Topic topic,
        int partitions,
        int replicas,
        int? replicasWanted,
        IReadOnlyDictionary<string, string> settings
    )
    {
        if (partitions != topic.Partitions)
            yield return new TopicDifference(topic.Name, Partitions, $"{partitions}", $"{topic.Partitions}");
        if (replicas < replicasWanted)
            yield return new TopicDifference(topic.Name, Replicas, $"{replicas}", $"{replicasWanted}");
        foreach (var (name, wanted) in Of(topic))
        {
            if (topic.Compacted && name == RetentionMs)
                continue;
            if (settings.TryGetValue(name, out var actual) && actual != wanted)
                yield return new TopicDifference(topic.Name, name, actual, wanted);
        }
    }
}
