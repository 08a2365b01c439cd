using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>AddPartitionsToTxn: a transaction will write to these partitions; all of them are added or none.</summary>
internal static class AddPartitionsToTxnApi
{
    private const short FencedFrom = 2;

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var transactionalId = reader.ReadString();
        var producerId = reader.ReadInt64();
        var epoch = reader.ReadInt16();
        var topics = new List<(string Name, int[] Partitions)>();
        for (var count = reader.ReadArrayLength(); count > 0; count--)
        {
            topics.Add((reader.ReadString(), reader.ReadInt32Array()));
            reader.SkipTags();
        }
        var (partitions, allExist) = Collect(node, topics);
        var error = allExist
            ? node.Transactions.AddPartitions(transactionalId, producerId, epoch, partitions)
            : ErrorCode.OperationNotAttempted;
        error = TransactionErrors.ForVersion(error, request.Version, FencedFrom);
        writer.WriteInt32(0);
        writer.WriteArrayLength(topics.Count);
        foreach (var (name, indexes) in topics)
        {
            writer.WriteString(name);
            writer.WriteArrayLength(indexes.Length);
            foreach (var index in indexes)
            {
                writer.WriteInt32(index);
                var exists = allExist || node.Topics.Partition(name, index) is not null;
                writer.WriteError(exists ? error : ErrorCode.UnknownTopicOrPartition);
                writer.WriteTags();
            }
            writer.WriteTags();
        }
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    private static (List<TopicPartition> Partitions, bool AllExist) Collect(
        BrokerNode node,
        List<(string Name, int[] Partitions)> topics
    )
    {
        var (partitions, allExist) = (new List<TopicPartition>(), true);
        foreach (var (name, indexes) in topics)
        {
            foreach (var index in indexes)
            {
                partitions.Add(new TopicPartition(name, index));
                allExist &= node.Topics.Partition(name, index) is not null;
            }
        }
        return (partitions, allExist);
    }
}
