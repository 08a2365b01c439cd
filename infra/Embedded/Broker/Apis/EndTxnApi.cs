using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>EndTxn: commits or aborts; when it answers, the markers are in every partition.</summary>
internal static class EndTxnApi
{
    private const short FencedFrom = 2;

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var transactionalId = reader.ReadString();
        var producerId = reader.ReadInt64();
        var epoch = reader.ReadInt16();
        var commit = reader.ReadBoolean();
        var error = node.Transactions.End(transactionalId, producerId, epoch, commit);
        writer.WriteInt32(0);
        writer.WriteError(TransactionErrors.ForVersion(error, request.Version, FencedFrom));
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }
}
