using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// OffsetFetch: how far a group has come. A consumer that requires stable offsets has to wait while a transaction
/// is about to change one.
/// </summary>
internal static class OffsetFetchApi
{
    private const short GroupsSince = 8;
    private const short IdsSince = 10;

    private readonly record struct WantedTopic(TopicReference Topic, int[] Partitions);

    private sealed record Wanted(string Group, List<WantedTopic> Topics);

    public static void Handle(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var hasGroups = request.Version >= GroupsSince;
        var wanted = hasGroups ? reader.ReadArray(r => ReadGroup(node, r)) : [ReadGroup(node, reader)];
        var requireStable = reader.ReadBoolean(since: 7);
        if (!hasGroups)
        {
            WriteTopics(node, writer, wanted[0], requireStable);
            writer.WriteError(ErrorCode.None, since: 2);
            return;
        }
        writer.WriteArray(
            wanted,
            group =>
            {
                writer.WriteString(group.Group);
                WriteTopics(node, writer, group, requireStable);
                writer.WriteError(ErrorCode.None);
            }
        );
    }

    /// <summary>The group and the topics asked for; null means all that the group has committed.</summary>
    private static Wanted ReadGroup(BrokerNode node, RequestReader reader)
    {
        var group = reader.ReadString();
        reader.ReadNullableString(since: 9);
        reader.ReadInt32(since: 9);
        var topics = reader.ReadNullableArray(r => new WantedTopic(
            TopicReference.Read(node, r, IdsSince),
            r.ReadInt32Array()
        ));
        return new Wanted(group, topics ?? Committed(node, group, isById: reader.Version >= IdsSince));
    }

    private static List<WantedTopic> Committed(BrokerNode node, string group, bool isById)
    {
        WantedTopic Name(string name, IEnumerable<int> partitions)
        {
            var topic = node.Topics.Find(name);
            return new(new TopicReference(name, topic?.Id ?? Guid.Empty, topic, isById), [.. partitions.Order()]);
        }
        var committed = node.Groups.Offsets.PartitionsOf(group);
        return [.. committed.GroupBy(p => p.Topic, p => p.Partition, Name)];
    }

    private static void WriteTopics(BrokerNode node, ResponseWriter writer, Wanted wanted, bool requireStable) =>
        writer.WriteArray(
            wanted.Topics,
            topic =>
            {
                topic.Topic.Write(writer);
                writer.WriteArray(
                    topic.Partitions,
                    partition =>
                    {
                        var (offset, error) = Find(node, wanted.Group, topic.Topic, partition, requireStable);
                        writer.WriteInt32(partition);
                        writer.WriteInt64(offset?.Offset ?? -1);
                        writer.WriteInt32(offset?.LeaderEpoch ?? -1, since: 5);
                        writer.WriteString(offset?.Metadata ?? "");
                        writer.WriteError(error);
                    }
                );
            }
        );

    private static (CommittedOffset? Offset, ErrorCode Error) Find(
        BrokerNode node,
        string group,
        TopicReference topic,
        int partition,
        bool requireStable
    )
    {
        if (topic is { IsById: true, Name: "" })
        {
            return (null, ErrorCode.UnknownTopicId);
        }
        var (offset, isPending) = node.Groups.Offsets.Find(group, new TopicPartition(topic.Name, partition));
        return requireStable && isPending ? (null, ErrorCode.UnstableOffsetCommit) : (offset, ErrorCode.None);
    }
}
