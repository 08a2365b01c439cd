using EventStream.Broker.Groups;
using EventStream.Broker.Protocol;
using EventStream.Broker.Server;

namespace EventStream.Broker.Apis;

/// <summary>
/// OffsetFetch: how far a group has come. A consumer that requires stable offsets is told to wait while a transaction
/// is about to change one.
/// </summary>
internal static class OffsetFetchApi
{
    private sealed record Wanted(string Group, List<(string Topic, int[] Partitions)> Topics);

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer, version) = (request.Reader, request.Writer, request.Version);
        var wanted = version >= 8 ? ReadGroups(node, reader, version) : [ReadGroup(node, reader)];
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

    private static Wanted ReadGroup(BrokerNode node, RequestReader reader)
    {
        var group = reader.ReadString();
        return new Wanted(group, ReadTopics(node, reader, group));
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
            wanted.Add(new Wanted(group, ReadTopics(node, reader, group)));
            reader.SkipTags();
        }
        return wanted;
    }

    /// <summary>The topics asked for; null stands for all that the group has committed.</summary>
    private static List<(string, int[])> ReadTopics(BrokerNode node, RequestReader reader, string group)
    {
        var topics = new List<(string, int[])>();
        var count = reader.ReadNullableArrayLength();
        if (count < 0)
        {
            foreach (var topic in node.Groups.Offsets.PartitionsOf(group).GroupBy(p => p.Topic, p => p.Partition))
            {
                topics.Add((topic.Key, [.. topic.Order()]));
            }
        }
        for (var i = 0; i < count; i++)
        {
            topics.Add((reader.ReadString(), reader.ReadInt32Array()));
            reader.SkipTags();
        }
        return topics;
    }

    private static void WriteTopics(
        BrokerNode node, ResponseWriter writer, short version, Wanted wanted, bool requireStable)
    {
        writer.WriteArrayLength(wanted.Topics.Count);
        foreach (var (topic, partitions) in wanted.Topics)
        {
            writer.WriteString(topic);
            writer.WriteArrayLength(partitions.Length);
            foreach (var partition in partitions)
            {
                var (offset, isPending) =
                    node.Groups.Offsets.Find(wanted.Group, new TopicPartition(topic, partition));
                var unstable = requireStable && isPending;
                WritePartition(writer, version, partition, unstable ? null : offset, unstable);
            }
            writer.WriteTags();
        }
    }

    private static void WritePartition(
        ResponseWriter writer, short version, int partition, CommittedOffset? offset, bool unstable)
    {
        writer.WriteInt32(partition);
        writer.WriteInt64(offset?.Offset ?? -1);
        if (version >= 5)
        {
            writer.WriteInt32(offset?.LeaderEpoch ?? -1);
        }
        writer.WriteString(offset?.Metadata ?? "");
        writer.WriteError(unstable ? ErrorCode.UnstableOffsetCommit : ErrorCode.None);
        writer.WriteTags();
    }
}
