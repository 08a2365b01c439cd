using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;
using EventStream.Embedded.Broker.Transactions;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>DescribeTransactions: the state of the transactions of transactional ids.</summary>
internal static class DescribeTransactionsApi
{
    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var writer = request.Writer;
        var ids = request.Reader.ReadStringArray();
        writer.WriteInt32(0);
        writer.WriteArrayLength(ids.Length);
        foreach (var id in ids)
        {
            var found = node.Transactions.Describe(id);
            var error =
                id.Length == 0 ? ErrorCode.InvalidRequest
                : found is null ? ErrorCode.TransactionalIdNotFound
                : ErrorCode.None;
            Write(writer, id, error, found ?? TransactionDescription.None);
        }
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    private static void Write(ResponseWriter writer, string id, ErrorCode error, TransactionDescription transaction)
    {
        writer.WriteError(error);
        writer.WriteString(id);
        writer.WriteString(error == ErrorCode.None ? transaction.State.ToString() : "");
        writer.WriteInt32(transaction.TimeoutMs);
        writer.WriteInt64(transaction.StartedMs);
        writer.WriteInt64(transaction.ProducerId);
        writer.WriteInt16(transaction.Epoch);
        var topics = transaction.Partitions.GroupBy(p => p.Topic, p => p.Partition).ToList();
        writer.WriteArrayLength(topics.Count);
        foreach (var topic in topics)
        {
            writer.WriteString(topic.Key);
            writer.WriteInt32Array([.. topic.Order()]);
            writer.WriteTags();
        }
        writer.WriteTags();
    }
}
