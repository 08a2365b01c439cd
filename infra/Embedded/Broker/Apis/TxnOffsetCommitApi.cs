using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// TxnOffsetCommit: offsets that count when the transaction commits, if the consumer is still the group's.
/// </summary>
internal static class TxnOffsetCommitApi
{
    public static void Handle(BrokerNode node, Request request)
    {
        var reader = request.Reader;
        var transactionalId = reader.ReadString();
        var groupId = reader.ReadString();
        var producerId = reader.ReadInt64();
        var epoch = reader.ReadInt16();
        var generation = reader.ReadInt32(since: 3, absent: -1);
        var memberId = reader.ReadString(since: 3);
        var instanceId = reader.ReadNullableString(since: 3);
        var topics = OffsetCommitApi.ReadTopics(node, reader, epochSince: 2);
        var error =
            groupId.Length == 0
                ? ErrorCode.InvalidGroupId
                : node.Groups.GetOrAdd(groupId).CheckTransactionalCommit(memberId, instanceId, generation);
        if (error == ErrorCode.None)
        {
            var offsets = OffsetCommitApi.Accepted(topics);
            error = node.Transactions.CommitOffsets(transactionalId, producerId, epoch, groupId, offsets);
        }
        error = TransactionErrors.ForVersion(error, request.Version, fencedSince: 2);
        OffsetCommitApi.WriteTopics(request.Writer, topics, error);
    }
}
