using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>AddOffsetsToTxn: a transaction will commit offsets of this group.</summary>
internal static class AddOffsetsToTxnApi
{
    public static void Handle(BrokerNode node, Request request)
    {
        var reader = request.Reader;
        var transactionalId = reader.ReadString();
        var producerId = reader.ReadInt64();
        var epoch = reader.ReadInt16();
        var group = reader.ReadString();
        var error =
            group.Length == 0
                ? ErrorCode.InvalidGroupId
                : node.Transactions.AddGroup(transactionalId, producerId, epoch, group);
        TransactionErrors.Write(request.Writer, error, fencedSince: 2);
    }
}
