using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

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
                var (start, error) = Delete(node.Topics.Find(name), index, offset);
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

    private static (long Start, ErrorCode Error) Delete(Topic? topic, int index, long offset)
    {
        if (topic?.Partition(index) is not { } log)
        {
            return (-1, ErrorCode.UnknownTopicOrPartition);
        }
        if (!topic.Config.IsDeleted)
        {
            return (-1, ErrorCode.PolicyViolation);
        }
        try
        {
            return log.DeleteBefore(offset) is { } start ? (start, ErrorCode.None) : (-1, ErrorCode.OffsetOutOfRange);
        }
        catch (IOException e)
        {
            log.NoteFailure(e);
            return (-1, ErrorCode.KafkaStorageError);
        }
    }
}
