using System.Text;
using EventStream.Broker.Groups;
using EventStream.Broker.Protocol;
using EventStream.Broker.Server;

namespace EventStream.Broker.Apis;

/// <summary>One partition of a request to commit offsets, and what is wrong with it.</summary>
internal readonly record struct OffsetToCommit(int Partition, CommittedOffset Offset, ErrorCode Error);

/// <summary>OffsetCommit: remembers on disk how far a group has come.</summary>
internal static class OffsetCommitApi
{
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
        var topics = ReadTopics(node, reader, hasEpoch: version >= 6);
        var error = groupId.Length == 0
            ? ErrorCode.InvalidGroupId
            : node.Groups.GetOrAdd(groupId).CheckCommit(memberId, instanceId, generation);
        if (error == ErrorCode.None)
        {
            error = Commit(node, groupId, topics);
        }
        if (version >= 3)
        {
            writer.WriteInt32(0);
        }
        WriteTopics(writer, topics, error);
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    private static ErrorCode Commit(
        BrokerNode node, string groupId, List<(string Topic, List<OffsetToCommit> Partitions)> topics)
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
    public static List<(string Topic, List<OffsetToCommit> Partitions)> ReadTopics(
        BrokerNode node, RequestReader reader, bool hasEpoch)
    {
        var nowMs = node.Options.Time.GetUtcNow().ToUnixTimeMilliseconds();
        var topics = new List<(string, List<OffsetToCommit>)>();
        for (var count = reader.ReadArrayLength(); count > 0; count--)
        {
            var name = reader.ReadString();
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
            topics.Add((name, partitions));
        }
        return topics;
    }

    /// <summary>The offsets that nothing is wrong with.</summary>
    public static List<(TopicPartition, CommittedOffset)> Accepted(
        List<(string Topic, List<OffsetToCommit> Partitions)> topics)
    {
        var accepted = new List<(TopicPartition, CommittedOffset)>();
        foreach (var (topic, partitions) in topics)
        {
            foreach (var (partition, offset, error) in partitions)
            {
                if (error == ErrorCode.None)
                {
                    accepted.Add((new TopicPartition(topic, partition), offset));
                }
            }
        }
        return accepted;
    }

    /// <summary>Writes the outcome of each partition; an error of the whole request counts for all of them.</summary>
    public static void WriteTopics(
        ResponseWriter writer, List<(string Topic, List<OffsetToCommit> Partitions)> topics, ErrorCode error)
    {
        writer.WriteArrayLength(topics.Count);
        foreach (var (topic, partitions) in topics)
        {
            writer.WriteString(topic);
            writer.WriteArrayLength(partitions.Count);
            foreach (var partition in partitions)
            {
                writer.WriteInt32(partition.Partition);
                writer.WriteError(error == ErrorCode.None ? partition.Error : error);
                writer.WriteTags();
            }
            writer.WriteTags();
        }
    }

    private static ErrorCode Check(BrokerNode node, string topic, int partition, string? metadata)
    {
        if (metadata is not null && Encoding.UTF8.GetByteCount(metadata) > node.Options.OffsetMetadataBytesMax)
        {
            return ErrorCode.OffsetMetadataTooLarge;
        }
        return node.Topics.Partition(topic, partition) is null ? ErrorCode.UnknownTopicOrPartition : ErrorCode.None;
    }
}
