using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>Metadata: the broker, the topics and their partitions, all of which this broker leads.</summary>
internal static class MetadataApi
{
    private const int OperationsUnknown = int.MinValue;

    private readonly record struct Wanted(string? Name, Guid Id);

    public static void Handle(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var wanted = reader.ReadNullableArray(ReadTopic);
        var mayCreate = (request.Version < 4 || reader.ReadBoolean()) && node.Options.AutoCreateTopics;
        WriteBroker(node, writer);
        // Null means all topics, which version 0 asks for by an empty list.
        if (wanted is null || (wanted.Count == 0 && request.Version == 0))
        {
            writer.WriteArray(
                node.Topics.All.ToList(),
                topic => WriteTopic(writer, ErrorCode.None, topic.Name, topic.Id, topic)
            );
        }
        else
        {
            writer.WriteArray(wanted, topic => WriteWanted(node, writer, topic, mayCreate));
        }
        if (request.Version <= 10)
        {
            writer.WriteInt32(OperationsUnknown, since: 8);
        }
        writer.WriteError(ErrorCode.None, since: 13);
    }

    private static Wanted ReadTopic(RequestReader reader)
    {
        var id = reader.ReadUuid(since: 10);
        return new Wanted(reader.Version >= 10 ? reader.ReadNullableString() : reader.ReadString(), id);
    }

    private static void WriteBroker(BrokerNode node, ResponseWriter writer)
    {
        writer.WriteArrayLength(1);
        node.WriteAddress(writer);
        writer.WriteString(null, since: 1);
        writer.WriteTags();
        writer.WriteString(node.ClusterId, since: 2);
        writer.WriteInt32(BrokerNode.NodeId, since: 1);
    }

    private static void WriteWanted(BrokerNode node, ResponseWriter writer, Wanted wanted, bool mayCreate)
    {
        if (wanted.Name is not { } name)
        {
            var byId = node.Topics.Find(wanted.Id);
            var idError = byId is null ? ErrorCode.UnknownTopicId : ErrorCode.None;
            WriteTopic(writer, idError, byId?.Name ?? (writer.Version >= 12 ? null : ""), wanted.Id, byId);
            return;
        }
        var topic = node.Topics.Find(name);
        if (topic is null && mayCreate && TopicStore.IsValidName(name))
        {
            node.Topics.Create(name, node.Options.PartitionsDefault, new Dictionary<string, string>());
            topic = node.Topics.Find(name);
        }
        var error =
            topic is not null ? ErrorCode.None
            : TopicStore.IsValidName(name) ? ErrorCode.UnknownTopicOrPartition
            : ErrorCode.InvalidTopic;
        WriteTopic(writer, error, name, topic?.Id ?? Guid.Empty, topic);
    }

    private static void WriteTopic(ResponseWriter writer, ErrorCode error, string? name, Guid id, Topic? topic)
    {
        writer.WriteError(error);
        writer.WriteString(name);
        writer.WriteUuid(id, since: 10);
        writer.WriteBoolean(false, since: 1);
        var partitions = topic?.Partitions.Length ?? 0;
        writer.WriteArrayLength(partitions);
        for (var i = 0; i < partitions; i++)
        {
            writer.WriteError(ErrorCode.None);
            writer.WriteInt32(i);
            writer.WriteInt32(BrokerNode.NodeId);
            writer.WriteInt32(PartitionLog.LeaderEpoch, since: 7);
            writer.WriteInt32Array([BrokerNode.NodeId]);
            writer.WriteInt32Array([BrokerNode.NodeId]);
            writer.WriteInt32Array([], since: 5);
            writer.WriteTags();
        }
        writer.WriteInt32(OperationsUnknown, since: 8);
    }
}
