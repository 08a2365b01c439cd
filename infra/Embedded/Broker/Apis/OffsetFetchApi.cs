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
    private const short IdsFrom = 10;

    private readonly record struct WantedTopic(string? Name, Guid Id, int[] Partitions);

    private sealed record Wanted(string Group, List<WantedTopic> Topics);

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer, version) = (request.Reader, request.Writer, request.Version);
        var wanted = version >= 8 ? ReadGroups(node, reader, version) : [ReadGroup(node, reader, version)];
        var requireStable = version >= 7 && reader.ReadBoolean();
        if (version >= 3)
        {
            writer.WriteInt32(0);
        }
        if (version < 8)
        {
            WriteTopics(node, writer, version, wanted[0], requireStable);
            if (version >= 2)
            {
                writer.WriteError(ErrorCode.None);
            }
        }
        else
        {
            writer.WriteArrayLength(wanted.Count);
            foreach (var group in wanted)
            {
                writer.WriteString(group.Group);
                WriteTopics(node, writer, version, group, requireStable);
                writer.WriteError(ErrorCode.None);
                writer.WriteTags();
            }
        }
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    private static Wanted ReadGroup(BrokerNode node, RequestReader reader, short version)
    {
        var group = reader.ReadString();
        return new Wanted(group, ReadTopics(node, reader, group, version));
    }

    private static List<Wanted> ReadGroups(BrokerNode node, RequestReader reader, short version)
    {
        var wanted = new List<Wanted>();
        for (var count = reader.ReadArrayLength(); count > 0; count--)
        {
            var group = reader.ReadString();
            if (version >= 9)
            {
                reader.ReadNullableString();
                reader.ReadInt32();
            }
            wanted.Add(new Wanted(group, ReadTopics(node, reader, group, version)));
            reader.SkipTags();
        }
        return wanted;
    }

    /// <summary>The topics asked for; null means all that the group has committed.</summary>
    private static List<WantedTopic> ReadTopics(BrokerNode node, RequestReader reader, string group, short version)
    {
        var topics = new List<WantedTopic>();
        var count = reader.ReadNullableArrayLength();
        if (count < 0)
        {
            foreach (var topic in node.Groups.Offsets.PartitionsOf(group).GroupBy(p => p.Topic, p => p.Partition))
            {
                var id = node.Topics.Find(topic.Key)?.Id ?? Guid.Empty;
                topics.Add(new WantedTopic(topic.Key, id, [.. topic.Order()]));
            }
        }
        for (var i = 0; i < count; i++)
        {
            var id = version >= IdsFrom ? reader.ReadUuid() : Guid.Empty;
            var name = version >= IdsFrom ? node.Topics.Find(id)?.Name : reader.ReadString();
            topics.Add(new WantedTopic(name, id, reader.ReadInt32Array()));
            reader.SkipTags();
        }
        return topics;
    }

    private static void WriteTopics(
        BrokerNode node,
        ResponseWriter writer,
        short version,
        Wanted wanted,
        bool requireStable
    )
    {
        writer.WriteArrayLength(wanted.Topics.Count);
        foreach (var topic in wanted.Topics)
        {
            if (version >= IdsFrom)
            {
                writer.WriteUuid(topic.Id);
            }
            else
            {
                writer.WriteString(topic.Name);
            }
            writer.WriteArrayLength(topic.Partitions.Length);
            foreach (var partition in topic.Partitions)
            {
                var (offset, error) = Find(node, wanted.Group, topic.Name, partition, requireStable);
                WritePartition(writer, version, partition, offset, error);
            }
            writer.WriteTags();
        }
    }

    private static (CommittedOffset? Offset, ErrorCode Error) Find(
        BrokerNode node,
        string group,
        string? topic,
        int partition,
        bool requireStable
    )
    {
        if (topic is null)
        {
            return (null, ErrorCode.UnknownTopicId);
        }
        var (offset, isPending) = node.Groups.Offsets.Find(group, new TopicPartition(topic, partition));
        return requireStable && isPending ? (null, ErrorCode.UnstableOffsetCommit) : (offset, ErrorCode.None);
    }

    private static void WritePartition(
        ResponseWriter writer,
        short version,
        int partition,
        CommittedOffset? offset,
        ErrorCode error
    )
    {
        writer.WriteInt32(partition);
        writer.WriteInt64(offset?.Offset ?? -1);
        if (version >= 5)
        {
            writer.WriteInt32(offset?.LeaderEpoch ?? -1);
        }
        writer.WriteString(offset?.Metadata ?? "");
        writer.WriteError(error);
        writer.WriteTags();
    }
}
