using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>Metadata: the broker, the topics and their partitions, all of which this broker leads.</summary>
internal static class MetadataApi
{
    private const int OperationsUnknown = int.MinValue;

    private readonly record struct Wanted(string? Name, Guid Id);

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, version) = (request.Reader, request.Version);
        var wanted = ReadTopics(reader, version);
        var mayCreate = version < 4 || reader.ReadBoolean();
        var writer = request.Writer;
        if (version >= 3)
        {
            writer.WriteInt32(0);
        }
        WriteBroker(node, writer, version);
        if (wanted is null)
        {
            WriteAll(node, writer, version);
        }
        else
        {
            writer.WriteArrayLength(wanted.Count);
            foreach (var topic in wanted)
            {
                WriteWanted(node, writer, version, topic, mayCreate && node.Options.AutoCreateTopics);
            }
        }
        if (version is >= 8 and <= 10)
        {
            writer.WriteInt32(OperationsUnknown);
        }
        if (version >= 13)
        {
            writer.WriteError(ErrorCode.None);
        }
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    /// <summary>The topics asked for; null means all of them, which version 0 asks for by an empty list.</summary>
    private static List<Wanted>? ReadTopics(RequestReader reader, short version)
    {
        var count = reader.ReadNullableArrayLength();
        if (count < 0 || (count == 0 && version == 0))
        {
            return null;
        }
        var wanted = new List<Wanted>();
        for (var i = 0; i < count; i++)
        {
            var id = version >= 10 ? reader.ReadUuid() : Guid.Empty;
            wanted.Add(new Wanted(version >= 10 ? reader.ReadNullableString() : reader.ReadString(), id));
            reader.SkipTags();
        }
        return wanted;
    }

    private static void WriteBroker(BrokerNode node, ResponseWriter writer, short version)
    {
        writer.WriteArrayLength(1);
        writer.WriteInt32(BrokerNode.NodeId);
        writer.WriteString(node.Host);
        writer.WriteInt32(node.Port);
        if (version >= 1)
        {
            writer.WriteString(null);
        }
        writer.WriteTags();
        if (version >= 2)
        {
            writer.WriteString(node.ClusterId);
        }
        if (version >= 1)
        {
            writer.WriteInt32(BrokerNode.NodeId);
        }
    }

    private static void WriteAll(BrokerNode node, ResponseWriter writer, short version)
    {
        var topics = node.Topics.All;
        writer.WriteArrayLength(topics.Count);
        foreach (var topic in topics)
        {
            WriteTopic(writer, version, ErrorCode.None, topic.Name, topic.Id, topic);
        }
    }

    private static void WriteWanted(
        BrokerNode node,
        ResponseWriter writer,
        short version,
        Wanted wanted,
        bool mayCreate
    )
    {
        if (wanted.Name is not { } name)
        {
            var byId = node.Topics.Find(wanted.Id);
            var idError = byId is null ? ErrorCode.UnknownTopicId : ErrorCode.None;
            WriteTopic(writer, version, idError, byId?.Name ?? (version >= 12 ? null : ""), wanted.Id, byId);
            return;
        }
        var topic = node.Topics.Find(name);
        var error =
            topic is not null ? ErrorCode.None
            : TopicStore.IsValidName(name) ? ErrorCode.UnknownTopicOrPartition
            : ErrorCode.InvalidTopic;
        if (topic is null && mayCreate && error == ErrorCode.UnknownTopicOrPartition)
        {
            node.Topics.Create(name, node.Options.PartitionsDefault, new Dictionary<string, string>());
            topic = node.Topics.Find(name);
            error = topic is null ? error : ErrorCode.None;
        }
        WriteTopic(writer, version, error, name, topic?.Id ?? Guid.Empty, topic);
    }

    private static void WriteTopic(
        ResponseWriter writer,
        short version,
        ErrorCode error,
        string? name,
        Guid id,
        Topic? topic
    )
    {
        writer.WriteError(error);
        writer.WriteString(name);
        if (version >= 10)
        {
            writer.WriteUuid(id);
        }
        if (version >= 1)
        {
            writer.WriteBoolean(false);
        }
        var partitions = topic?.Partitions.Length ?? 0;
        writer.WriteArrayLength(partitions);
        for (var i = 0; i < partitions; i++)
        {
            WritePartition(writer, version, i);
        }
        if (version >= 8)
        {
            writer.WriteInt32(OperationsUnknown);
        }
        writer.WriteTags();
    }

    private static void WritePartition(ResponseWriter writer, short version, int index)
    {
        writer.WriteError(ErrorCode.None);
        writer.WriteInt32(index);
        writer.WriteInt32(BrokerNode.NodeId);
        if (version >= 7)
        {
            writer.WriteInt32(PartitionLog.LeaderEpoch);
        }
        writer.WriteInt32Array([BrokerNode.NodeId]);
        writer.WriteInt32Array([BrokerNode.NodeId]);
        if (version >= 5)
        {
            writer.WriteInt32Array([]);
        }
        writer.WriteTags();
    }
}
