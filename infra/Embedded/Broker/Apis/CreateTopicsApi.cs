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

    public static void Handle(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var wanted = reader.ReadArray(Read);
        reader.ReadInt32();
        var validateOnly = reader.ReadBoolean();
        writer.WriteArray(
            wanted,
            topic =>
            {
                if (wanted.Count(other => other.Name == topic.Name) > 1)
                {
                    Fail(topic, ErrorCode.InvalidRequest, $"The topic {topic.Name} is in the request twice.");
                }
                Create(node, topic, validateOnly);
                Write(node, writer, topic);
            }
        );
    }

    private static Wanted Read(RequestReader reader)
    {
        var wanted = new Wanted(reader.ReadString(), reader.ReadInt32(), reader.ReadInt16(), [], []);
        foreach (var (partition, brokers) in reader.ReadArray(r => (r.ReadInt32(), r.ReadInt32Array())))
        {
            wanted.Assigned.Add(partition);
            if (brokers is not [BrokerNode.NodeId])
            {
                Fail(wanted, ErrorCode.InvalidReplicaAssignment, Errors.Sentence(ErrorCode.InvalidReplicaAssignment));
            }
        }
        foreach (var (name, value) in reader.ReadArray(r => (r.ReadString(), r.ReadNullableString())))
        {
            wanted.Configs[name] = value ?? "";
            if (TopicConfig.Check(name, value) is { } problem)
            {
                Fail(wanted, ErrorCode.InvalidConfig, problem);
            }
        }
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

    private static void Write(BrokerNode node, ResponseWriter writer, Wanted topic)
    {
        var made = topic.Error == ErrorCode.None ? node.Topics.Find(topic.Name) : null;
        var failed = topic.Error != ErrorCode.None;
        writer.WriteString(topic.Name);
        writer.WriteUuid(made?.Id ?? Guid.Empty, since: 7);
        writer.WriteError(topic.Error);
        writer.WriteString(topic.Message);
        writer.WriteInt32(failed ? -1 : PartitionsOf(node, topic), since: 5);
        writer.WriteInt16(failed ? (short)-1 : (short)1, since: 5);
        if (writer.Version >= 5 && failed)
        {
            writer.WriteArrayLength(-1);
        }
        else if (writer.Version >= 5)
        {
            WriteConfigs(writer, new TopicConfig(topic.Configs));
        }
    }

    private static void WriteConfigs(ResponseWriter writer, TopicConfig config) =>
        writer.WriteArray(
            TopicConfig.Entries,
            entry =>
            {
                writer.WriteString(entry.Name);
                writer.WriteString(config.Value(entry.Name));
                writer.WriteBoolean(false);
                writer.WriteByte((byte)(config.Set.ContainsKey(entry.Name) ? SourceTopic : SourceDefault));
                writer.WriteBoolean(false);
            }
        );
}
