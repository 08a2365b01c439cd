using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>OffsetDelete: a group forgets offsets of topics that none of its members is subscribed to.</summary>
internal static class OffsetDeleteApi
{
    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var groupId = reader.ReadString();
        var topics = new List<(string Name, int[] Partitions)>();
        for (var count = reader.ReadArrayLength(); count > 0; count--)
        {
            topics.Add((reader.ReadString(), reader.ReadInt32Array()));
        }
        var error = Prepare(node, groupId, out var subscribed);
        writer.WriteError(error);
        writer.WriteInt32(0);
        writer.WriteArrayLength(error == ErrorCode.None ? topics.Count : 0);
        foreach (var (name, partitions) in error == ErrorCode.None ? topics : [])
        {
            writer.WriteString(name);
            writer.WriteArrayLength(partitions.Length);
            foreach (var partition in partitions)
            {
                writer.WriteInt32(partition);
                writer.WriteError(Delete(node, groupId, new TopicPartition(name, partition), subscribed));
            }
        }
        return ValueTask.CompletedTask;
    }

    private static ErrorCode Prepare(BrokerNode node, string groupId, out IReadOnlySet<string> subscribed)
    {
        subscribed = new HashSet<string>();
        if (node.Groups.Find(groupId) is not { } group)
        {
            return ErrorCode.GroupIdNotFound;
        }
        return group.TryListSubscribedTopics(out subscribed) ? ErrorCode.None : ErrorCode.NonEmptyGroup;
    }

    private static ErrorCode Delete(
        BrokerNode node,
        string groupId,
        TopicPartition partition,
        IReadOnlySet<string> subscribed
    )
    {
        if (subscribed.Contains(partition.Topic))
        {
            return ErrorCode.GroupSubscribedToTopic;
        }
        if (node.Topics.Partition(partition.Topic, partition.Partition) is null)
        {
            return ErrorCode.UnknownTopicOrPartition;
        }
        node.Groups.Offsets.RemovePartition(groupId, partition);
        return ErrorCode.None;
    }
}
