using System.Text;
using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>One partition of a request to commit offsets, and what is wrong with it.</summary>
internal readonly record struct OffsetToCommit(int Partition, CommittedOffset Offset, ErrorCode Error);

/// <summary>One topic of such a request.</summary>
internal sealed record TopicToCommit(TopicReference Topic, List<OffsetToCommit> Partitions);

/// <summary>OffsetCommit: remembers on disk how far a group has come.</summary>
internal static class OffsetCommitApi
{
    private const short Never = short.MaxValue;

    public static void Handle(BrokerNode node, Request request)
    {
        var reader = request.Reader;
        var groupId = reader.ReadString();
        var generation = reader.ReadInt32();
        var memberId = reader.ReadString();
        var instanceId = reader.ReadNullableString(since: 7);
        if (request.Version <= 4)
        {
            reader.ReadInt64();
        }
        var topics = ReadTopics(node, reader, epochSince: 6, idsSince: 10);
        var error = Check(node, groupId, memberId, instanceId, generation);
        if (error == ErrorCode.None)
        {
            error = Commit(node, groupId, topics);
        }
        WriteTopics(request.Writer, topics, error);
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
        short epochSince,
        short idsSince = Never
    )
    {
        var nowMs = node.Options.Time.GetUtcNow().ToUnixTimeMilliseconds();
        return reader.ReadArray(_ =>
        {
            var topic = TopicReference.Read(node, reader, idsSince);
            var partitions = reader.ReadArray(_ =>
            {
                var index = reader.ReadInt32();
                var offset = reader.ReadInt64();
                var epoch = reader.ReadInt32(epochSince, absent: -1);
                var metadata = reader.ReadNullableString();
                var committed = new CommittedOffset(offset, epoch, metadata, nowMs);
                return new OffsetToCommit(index, committed, Check(node, topic, index, metadata));
            });
            return new TopicToCommit(topic, partitions);
        });
    }

    /// <summary>The offsets that nothing is wrong with.</summary>
    public static List<(TopicPartition, CommittedOffset)> Accepted(List<TopicToCommit> topics) =>
        [
            .. from topic in topics
            from partition in topic.Partitions
            where partition.Error == ErrorCode.None
            select (new TopicPartition(topic.Topic.Name, partition.Partition), partition.Offset),
        ];

    /// <summary>Writes the outcome of each partition; an error of the whole request counts for all of them.</summary>
    public static void WriteTopics(ResponseWriter writer, List<TopicToCommit> topics, ErrorCode error) =>
        writer.WriteArray(
            topics,
            topic =>
            {
                topic.Topic.Write(writer);
                writer.WriteArray(
                    topic.Partitions,
                    partition =>
                    {
                        writer.WriteInt32(partition.Partition);
                        writer.WriteError(error == ErrorCode.None ? partition.Error : error);
                    }
                );
            }
        );

    private static ErrorCode Check(BrokerNode node, TopicReference topic, int partition, string? metadata)
    {
        if (topic.Missing == ErrorCode.UnknownTopicId)
        {
            return ErrorCode.UnknownTopicId;
        }
        if (metadata is not null && Encoding.UTF8.GetByteCount(metadata) > node.Options.OffsetMetadataBytesMax)
        {
            return ErrorCode.OffsetMetadataTooLarge;
        }
        return topic.Topic?.Partition(partition) is null ? ErrorCode.UnknownTopicOrPartition : ErrorCode.None;
    }
}
