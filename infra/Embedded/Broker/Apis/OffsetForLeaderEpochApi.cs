using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// OffsetForLeaderEpoch: where an epoch ended. The only epoch is the present one, which ends with the log.
/// </summary>
internal static class OffsetForLeaderEpochApi
{
    public static void Handle(BrokerNode node, Request request)
    {
        request.Reader.ReadInt32(since: 3);
        request.AnswerEachPartition(topic => AnswerPartition(node, request, topic));
    }

    private static void AnswerPartition(BrokerNode node, Request request, string topic)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var index = reader.ReadInt32();
        var currentEpoch = reader.ReadInt32();
        var epoch = reader.ReadInt32();
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
    }
}
