using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// InitProducerId: gives an idempotent or transactional producer its id and epoch, fencing its predecessors.
/// </summary>
internal static class InitProducerIdApi
{
    public static void Handle(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var (error, producerId, epoch) = node.Transactions.InitProducerId(
            transactionalId: reader.ReadNullableString(),
            timeoutMs: reader.ReadInt32(),
            producerId: reader.ReadInt64(since: 3, absent: -1),
            epoch: reader.ReadInt16(since: 3, absent: -1)
        );
        TransactionErrors.Write(writer, error, fencedSince: 4);
        writer.WriteInt64(producerId);
        writer.WriteInt16(epoch);
    }
}
