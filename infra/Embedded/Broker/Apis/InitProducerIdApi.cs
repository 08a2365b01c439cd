using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// InitProducerId: gives an idempotent or transactional producer its id and epoch, fencing its predecessors.
/// </summary>
internal static class InitProducerIdApi
{
    /// <summary>Older clients know fencing only by the error of the epoch.</summary>
    private const short FencedFrom = 4;

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer, version) = (request.Reader, request.Writer, request.Version);
        var transactionalId = reader.ReadNullableString();
        var timeoutMs = reader.ReadInt32();
        var producerId = version >= 3 ? reader.ReadInt64() : -1;
        var epoch = version >= 3 ? reader.ReadInt16() : (short)-1;
        var result = node.Transactions.InitProducerId(transactionalId, timeoutMs, producerId, epoch);
        writer.WriteInt32(0);
        writer.WriteError(TransactionErrors.ForVersion(result.Error, version, FencedFrom));
        writer.WriteInt64(result.ProducerId);
        writer.WriteInt16(result.Epoch);
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }
}
