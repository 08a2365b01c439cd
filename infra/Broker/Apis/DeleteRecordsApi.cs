using EventStream.Broker.Protocol;
using EventStream.Broker.Server;

namespace EventStream.Broker.Apis;

/// <summary>DeleteRecords: moves the start of logs forward, -1 to their end.</summary>
internal static class DeleteRecordsApi
{
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
            var partitions = reader.ReadArrayLength();
            writer.WriteArrayLength(partitions);
            for (var p = 0; p < partitions; p++)
            {
                var index = reader.ReadInt32();
                var offset = reader.ReadInt64();
                reader.SkipTags();
                var log = node.Topics.Partition(name, index);
                var start = log?.DeleteBefore(offset);
                writer.WriteInt32(index);
                writer.WriteInt64(start ?? -1);
                writer.WriteError(
                    log is null ? ErrorCode.UnknownTopicOrPartition
                    : start is null ? ErrorCode.OffsetOutOfRange : ErrorCode.None);
                writer.WriteTags();
            }
            reader.SkipTags();
            writer.WriteTags();
        }
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }
}
