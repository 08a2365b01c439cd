using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>DescribeProducers: the producers that a partition remembers, with their open transactions.</summary>
internal static class DescribeProducersApi
{
    /// <summary>There is one coordinator, which is never elected.</summary>
    private const int CoordinatorEpoch = 0;

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        writer.WriteInt32(0);
        var topics = reader.ReadArrayLength();
        writer.WriteArrayLength(topics);
        for (var i = 0; i < topics; i++)
        {
            var name = reader.ReadString();
            writer.WriteString(name);
            var partitions = reader.ReadInt32Array();
            writer.WriteArrayLength(partitions.Length);
            foreach (var partition in partitions)
            {
                WritePartition(writer, partition, node.Topics.Partition(name, partition));
            }
            reader.SkipTags();
            writer.WriteTags();
        }
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    private static void WritePartition(ResponseWriter writer, int partition, PartitionLog? log)
    {
        var error = log is null ? ErrorCode.UnknownTopicOrPartition : ErrorCode.None;
        writer.WriteInt32(partition);
        writer.WriteError(error);
        writer.WriteString(log is null ? Errors.Sentence(error) : null);
        var producers = log?.DescribeProducers() ?? [];
        writer.WriteArrayLength(producers.Count);
        foreach (var producer in producers)
        {
            writer.WriteInt64(producer.ProducerId);
            writer.WriteInt32(producer.Epoch);
            writer.WriteInt32(producer.LastSequence);
            writer.WriteInt64(producer.LastUseMs);
            writer.WriteInt32(CoordinatorEpoch);
            writer.WriteInt64(producer.OpenOffset);
            writer.WriteTags();
        }
        writer.WriteTags();
    }
}
