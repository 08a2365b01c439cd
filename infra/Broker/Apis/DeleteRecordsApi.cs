using EventStream.Broker.Log;
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
                var (error, start) = log is null ? (ErrorCode.UnknownTopicOrPartition, -1) : Delete(log, offset);
                writer.WriteInt32(index);
                writer.WriteInt64(start);
                writer.WriteError(error);
                writer.WriteTags();
            }
            reader.SkipTags();
            writer.WriteTags();
        }
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    private static (ErrorCode Error, long Start) Delete(PartitionLog log, long offset)
    {
        try
        {
            return log.DeleteBefore(offset) is { } start ? (ErrorCode.None, start) : (ErrorCode.OffsetOutOfRange, -1);
        }
        catch (IOException e)
        {
            log.NoteFailure(e);
            return (ErrorCode.KafkaStorageError, -1);
        }
    }
}
