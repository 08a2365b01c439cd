using System.Text;
using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>One partition of a request to commit offsets, and what is wrong with it.</summary>
internal readonly record struct OffsetToCommit(int Partition, CommittedOffset Offset, ErrorCode Error);

/// <summary>One topic of such a request; by its id from version 10 on, else the id is empty.</summary>
internal sealed record TopicToCommit(string Name, Guid Id, List<OffsetToCommit> Partitions);

/// <summary>OffsetCommit: remembers on disk how far a group has come.</summary>
internal static class OffsetCommitApi
{
    private const short IdsFrom = 10;

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer, version) = (request.Reader, request.Writer, request.Version);
        var groupId = reader.ReadString();
        var generation = reader.ReadInt32();
        var memberId = reader.ReadString();
        var instanceId = version >= 7 ? reader.ReadNullableString() : null;
        if (version <= 4)
        {
            reader.ReadInt64();
        }
        var topics = ReadTopics(node, reader, hasEpoch: version >= 6, hasIds: version >= IdsFrom);
        var error = Check(node, groupId, memberId, instanceId, generation);
        if (error == ErrorCode.None)
        {
            error = Commit(node, groupId, topics);
        }
        if (version >= 3)
        {
            writer.WriteInt32(0);
        }
        WriteTopics(writer, topics, error, hasIds: version >= IdsFrom);
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    /// <summary>
    /// Only a commit that belongs to no generation makes a group: members of one that is gone have to join again.
    /// </summary>
    private static ErrorCode Check(BrokerNode node, string groupId, string memberId, string? instanceId, int generation)
    {
        if (groupId.Length == 0)
        {
            return ErrorCode.InvalidGroupId;
        }
        var group = generation < 0 ? node.Groups.GetOrAdd(groupId) : node.Groups.Find(groupId);
        return group?.CheckCommit(memberId, instanceId, generation) ?? ErrorCode.IllegalGeneration;
    }

    private static ErrorCode Commit(BrokerNode node, string groupId, List<TopicToCommit> topics)
    {
        try
        {
            node.Groups.Offsets.Commit(groupId, Accepted(topics));
            return ErrorCode.None;
        }
        catch (IOException e)
        {
            BrokerLog.UpkeepFailed(node.Logger, e, "offsets of group " + groupId);
            return ErrorCode.CoordinatorNotAvailable;
        }
    }

    /// <summary>Reads the topics of OffsetCommit and TxnOffsetCommit, and marks what cannot be committed.</summary>
    public static List<TopicToCommit> ReadTopics(
        BrokerNode node,
        RequestReader reader,
        bool hasEpoch,
        bool hasIds = false
    )
    {
        var nowMs = node.Options.Time.GetUtcNow().ToUnixTimeMilliseconds();
        var topics = new List<TopicToCommit>();
        for (var count = reader.ReadArrayLength(); count > 0; count--)
        {
            var id = hasIds ? reader.ReadUuid() : Guid.Empty;
            var name = hasIds ? node.Topics.Find(id)?.Name : reader.ReadString();
            var partitions = new List<OffsetToCommit>();
            for (var left = reader.ReadArrayLength(); left > 0; left--)
            {
                var index = reader.ReadInt32();
                var offset = reader.ReadInt64();
                var epoch = hasEpoch ? reader.ReadInt32() : -1;
                var metadata = reader.ReadNullableString();
                reader.SkipTags();
                var committed = new CommittedOffset(offset, epoch, metadata, nowMs);
                partitions.Add(new OffsetToCommit(index, committed, Check(node, name, index, metadata)));
            }
            reader.SkipTags();
            topics.Add(new TopicToCommit(name ?? "", id, partitions));
        }
        return topics;
    }

    /// <summary>The offsets that nothing is wrong with.</summary>
    public static List<(TopicPartition, CommittedOffset)> Accepted(List<TopicToCommit> topics)
    {
        var accepted = new List<(TopicPartition, CommittedOffset)>();
        foreach (var topic in topics)
        {
            foreach (var (partition, offset, error) in topic.Partitions)
            {
                if (error == ErrorCode.None)
                {
                    accepted.Add((new TopicPartition(topic.Name, partition), offset));
                }
            }
        }
        return accepted;
    }

    /// <summary>Writes the outcome of each partition; an error of the whole request counts for all of them.</summary>
    public static void WriteTopics(
        ResponseWriter writer,
        List<TopicToCommit> topics,
        ErrorCode error,
        bool hasIds = false
    )
    {
        writer.WriteArrayLength(topics.Count);
        foreach (var topic in topics)
        {
            if (hasIds)
            {
                writer.WriteUuid(topic.Id);
            }
            else
            {
                writer.WriteString(topic.Name);
            }
            writer.WriteArrayLength(topic.Partitions.Count);
            foreach (var partition in topic.Partitions)
            {
                writer.WriteInt32(partition.Partition);
                writer.WriteError(error == ErrorCode.None ? partition.Error : error);
                writer.WriteTags();
            }
            writer.WriteTags();
        }
    }

    private static ErrorCode Check(BrokerNode node, string? topic, int partition, string? metadata)
    {
        if (topic is null)
        {
            return ErrorCode.UnknownTopicId;
        }
        if (metadata is not null && Encoding.UTF8.GetByteCount(metadata) > node.Options.OffsetMetadataBytesMax)
        {
            return ErrorCode.OffsetMetadataTooLarge;
        }
        return node.Topics.Partition(topic, partition) is null ? ErrorCode.UnknownTopicOrPartition : ErrorCode.None;
    }
}
