using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>EndTxn: commits or aborts; when it answers, the markers are in every partition.</summary>
internal static class EndTxnApi
{
    public static void Handle(BrokerNode node, Request request)
    {
        var reader = request.Reader;
        var transactionalId = reader.ReadString();
        var producerId = reader.ReadInt64();
        var epoch = reader.ReadInt16();
        var error = node.Transactions.End(transactionalId, producerId, epoch, commit: reader.ReadBoolean());
        TransactionErrors.Write(request.Writer, error, fencedSince: 2);
    }
}
