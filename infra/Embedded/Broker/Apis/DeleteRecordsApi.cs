using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>DeleteRecords: moves the start of logs forward, -1 to their end.</summary>
internal static class DeleteRecordsApi
{
    public static void Handle(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        request.AnswerEachPartition(topic =>
        {
            var index = reader.ReadInt32();
            var (start, error) = Delete(node.Topics.Find(topic), index, offset: reader.ReadInt64());
            writer.WriteInt32(index);
            writer.WriteInt64(start);
            writer.WriteError(error);
        });
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
