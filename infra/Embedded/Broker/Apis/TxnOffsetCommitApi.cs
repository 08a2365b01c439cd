using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// TxnOffsetCommit: offsets that count when the transaction commits, if the consumer is still the group's.
/// </summary>
internal static class TxnOffsetCommitApi
{
    private const short FencedFrom = 2;

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer, version) = (request.Reader, request.Writer, request.Version);
        var transactionalId = reader.ReadString();
        var groupId = reader.ReadString();
        var producerId = reader.ReadInt64();
        var epoch = reader.ReadInt16();
        var generation = version >= 3 ? reader.ReadInt32() : -1;
        var memberId = version >= 3 ? reader.ReadString() : "";
        var instanceId = version >= 3 ? reader.ReadNullableString() : null;
        var topics = OffsetCommitApi.ReadTopics(node, reader, hasEpoch: version >= 2);
        var error =
            groupId.Length == 0
                ? ErrorCode.InvalidGroupId
                : node.Groups.GetOrAdd(groupId).CheckTransactionalCommit(memberId, instanceId, generation);
        if (error == ErrorCode.None)
        {
            error = node.Transactions.CommitOffsets(
                transactionalId,
                producerId,
                epoch,
                groupId,
                OffsetCommitApi.Accepted(topics)
            );
        }
        writer.WriteInt32(0);
        OffsetCommitApi.WriteTopics(writer, topics, TransactionErrors.ForVersion(error, version, FencedFrom));
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }
}
