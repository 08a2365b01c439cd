using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>AddOffsetsToTxn: a transaction will commit offsets of this group.</summary>
internal static class AddOffsetsToTxnApi
{
    private const short FencedFrom = 2;

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var transactionalId = reader.ReadString();
        var producerId = reader.ReadInt64();
        var epoch = reader.ReadInt16();
        var group = reader.ReadString();
        var error =
            group.Length == 0
                ? ErrorCode.InvalidGroupId
                : node.Transactions.AddGroup(transactionalId, producerId, epoch, group);
        writer.WriteInt32(0);
        writer.WriteError(TransactionErrors.ForVersion(error, request.Version, FencedFrom));
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }
}
