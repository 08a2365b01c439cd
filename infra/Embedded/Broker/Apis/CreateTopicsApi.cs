using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>CreateTopics: makes topics with their partitions and configuration.</summary>
internal static class CreateTopicsApi
{
    private const sbyte SourceTopic = 1;
    private const sbyte SourceDefault = 5;

    private sealed record Wanted(
        string Name,
        int Partitions,
        short Replicas,
        List<int> Assigned,
        Dictionary<string, string> Configs
    )
    {
        public ErrorCode Error { get; set; }
        public string? Message { get; set; }
    }

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var wanted = new List<Wanted>();
        for (var count = reader.ReadArrayLength(); count > 0; count--)
        {
            wanted.Add(Read(reader));
        }
        reader.ReadInt32();
        var validateOnly = reader.ReadBoolean();
        writer.WriteInt32(0);
        writer.WriteArrayLength(wanted.Count);
        foreach (var topic in wanted)
        {
            if (wanted.Count(other => other.Name == topic.Name) > 1)
            {
                Fail(topic, ErrorCode.InvalidRequest, $"The topic {topic.Name} is in the request twice.");
            }
            Create(node, topic, validateOnly);
            Write(node, writer, request.Version, topic);
        }
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    private static Wanted Read(RequestReader reader)
    {
        var wanted = new Wanted(reader.ReadString(), reader.ReadInt32(), reader.ReadInt16(), [], []);
        for (var count = reader.ReadArrayLength(); count > 0; count--)
        {
            wanted.Assigned.Add(reader.ReadInt32());
            if (reader.ReadInt32Array() is not [BrokerNode.NodeId])
            {
                Fail(wanted, ErrorCode.InvalidReplicaAssignment, Errors.Sentence(ErrorCode.InvalidReplicaAssignment));
            }
            reader.SkipTags();
        }
        for (var count = reader.ReadArrayLength(); count > 0; count--)
        {
            var name = reader.ReadString();
            var value = reader.ReadNullableString();
            reader.SkipTags();
            wanted.Configs[name] = value ?? "";
            if (TopicConfig.Check(name, value) is { } problem)
            {
                Fail(wanted, ErrorCode.InvalidConfig, problem);
            }
        }
        reader.SkipTags();
        return wanted;
    }

    private static void Create(BrokerNode node, Wanted topic, bool validateOnly)
    {
        if (topic.Assigned.Count > 0 && (topic.Partitions != -1 || topic.Replicas != -1))
        {
            Fail(topic, ErrorCode.InvalidRequest, "With a replica assignment, partitions and replicas are both -1.");
        }
        if (topic.Error == ErrorCode.None && topic.Assigned.Count == 0 && topic.Replicas is not (1 or -1))
        {
            Fail(topic, ErrorCode.InvalidReplicationFactor, Errors.Sentence(ErrorCode.InvalidReplicationFactor));
        }
        if (topic.Error == ErrorCode.None)
        {
            var partitions = PartitionsOf(node, topic);
            var error = validateOnly
                ? node.Topics.CanCreate(topic.Name, partitions)
                : node.Topics.Create(topic.Name, partitions, topic.Configs);
            if (error != ErrorCode.None)
            {
                Fail(topic, error, Describe(node, topic.Name, error));
            }
        }
    }

    private static int PartitionsOf(BrokerNode node, Wanted topic) =>
        topic.Assigned.Count > 0 ? topic.Assigned.Count
        : topic.Partitions == -1 ? node.Options.PartitionsDefault
        : topic.Partitions;

    private static string Describe(BrokerNode node, string name, ErrorCode error) =>
        error switch
        {
            ErrorCode.TopicAlreadyExists => $"Topic '{name}' already exists.",
            ErrorCode.InvalidPartitions => "A topic has at least 1 partition, and all topics together have "
                + $"at most {node.Options.PartitionsMax}.",
            _ => Errors.Sentence(error),
        };

    private static void Fail(Wanted topic, ErrorCode error, string message)
    {
        if (topic.Error == ErrorCode.None)
        {
            (topic.Error, topic.Message) = (error, message);
        }
    }

    private static void Write(BrokerNode node, ResponseWriter writer, short version, Wanted topic)
    {
        var made = topic.Error == ErrorCode.None ? node.Topics.Find(topic.Name) : null;
        writer.WriteString(topic.Name);
        if (version >= 7)
        {
            writer.WriteUuid(made?.Id ?? Guid.Empty);
        }
        writer.WriteError(topic.Error);
        writer.WriteString(topic.Message);
        if (version >= 5)
        {
            var failed = topic.Error != ErrorCode.None;
            writer.WriteInt32(failed ? -1 : PartitionsOf(node, topic));
            writer.WriteInt16(failed ? (short)-1 : (short)1);
            WriteConfigs(writer, failed ? null : new TopicConfig(topic.Configs));
        }
        writer.WriteTags();
    }

    private static void WriteConfigs(ResponseWriter writer, TopicConfig? config)
    {
        writer.WriteArrayLength(config is null ? -1 : TopicConfig.Entries.Count);
        foreach (var entry in config is null ? [] : TopicConfig.Entries)
        {
            writer.WriteString(entry.Name);
            writer.WriteString(config!.Value(entry.Name));
            writer.WriteBoolean(false);
            writer.WriteByte((byte)(config.Set.ContainsKey(entry.Name) ? SourceTopic : SourceDefault));
            writer.WriteBoolean(false);
            writer.WriteTags();
        }
    }
}
