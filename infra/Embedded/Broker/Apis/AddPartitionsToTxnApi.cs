using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>AddPartitionsToTxn: a transaction will write to these partitions; all of them are added or none.</summary>
internal static class AddPartitionsToTxnApi
{
    public static void Handle(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var transactionalId = reader.ReadString();
        var producerId = reader.ReadInt64();
        var epoch = reader.ReadInt16();
        var topics = reader.ReadArray(r => (Name: r.ReadString(), Partitions: r.ReadInt32Array()));
        var partitions = topics.SelectMany(t => t.Partitions, (t, index) => new TopicPartition(t.Name, index)).ToList();
        var allExist = partitions.TrueForAll(p => Exists(node, p));
        var error = allExist
            ? node.Transactions.AddPartitions(transactionalId, producerId, epoch, partitions)
            : ErrorCode.OperationNotAttempted;
        writer.WriteArray(
            topics,
            topic =>
            {
                writer.WriteString(topic.Name);
                writer.WriteArray(
                    topic.Partitions,
                    index =>
                    {
                        var exists = allExist || Exists(node, new TopicPartition(topic.Name, index));
                        writer.WriteInt32(index);
                        TransactionErrors.Write(
                            writer,
                            exists ? error : ErrorCode.UnknownTopicOrPartition,
                            fencedSince: 2
                        );
                    }
                );
            }
        );
    }

    private static bool Exists(BrokerNode node, TopicPartition partition) =>
        node.Topics.Partition(partition.Topic, partition.Partition) is not null;
}
