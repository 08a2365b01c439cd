using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// OffsetForLeaderEpoch: where an epoch ended. The only epoch is the present one, which ends with the log.
/// </summary>
internal static class OffsetForLeaderEpochApi
{
    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer, version) = (request.Reader, request.Writer, request.Version);
        if (version >= 3)
        {
            reader.ReadInt32();
        }
        writer.WriteInt32(0);
        var topics = reader.ReadArrayLength();
        writer.WriteArrayLength(topics);
        for (var i = 0; i < topics; i++)
        {
            var name = reader.ReadString();
            writer.WriteString(name);
            var partitions = reader.ReadArrayLength();
            writer.WriteArrayLength(partitions);
            for (var p = 0; p < partitions; p++)
            {
                AnswerPartition(node, request, name);
            }
            reader.SkipTags();
            writer.WriteTags();
        }
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    private static void AnswerPartition(BrokerNode node, Request request, string topic)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var index = reader.ReadInt32();
        var currentEpoch = reader.ReadInt32();
        var epoch = reader.ReadInt32();
        reader.SkipTags();
        var log = node.Topics.Partition(topic, index);
        var error =
            log is null ? ErrorCode.UnknownTopicOrPartition
            : currentEpoch > PartitionLog.LeaderEpoch ? ErrorCode.UnknownLeaderEpoch
            : ErrorCode.None;
        var known = error == ErrorCode.None && epoch == PartitionLog.LeaderEpoch;
        writer.WriteError(error);
        writer.WriteInt32(index);
        writer.WriteInt32(known ? PartitionLog.LeaderEpoch : -1);
        writer.WriteInt64(known ? log!.LogEnd : -1);
        writer.WriteTags();
    }
}
