using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// Produce: appends one record batch to each partition. Nothing but a flush to the disk, where it is asked for, makes
/// it wait: with one replica acks 1 and all are the same.
/// </summary>
internal static class ProduceApi
{
    /// <summary>
    /// A batch that must reach the disk before it is acknowledged, and where its outcome was written.
    /// </summary>
    private readonly record struct Appended(PartitionLog Log, long End, int ResultAt);

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var reader = request.Reader;
        reader.ReadNullableString();
        var acks = reader.ReadInt16();
        reader.ReadInt32();
        request.WantsResponse = acks != 0;
        List<Appended>? flushes = null;
        var topics = reader.ReadArrayLength();
        request.Writer.WriteArrayLength(topics);
        for (var i = 0; i < topics; i++)
        {
            AppendTopic(node, request, acks, ref flushes);
        }
        request.Writer.WriteInt32(0);
        return flushes is null ? ValueTask.CompletedTask : FlushAsync(request, flushes);
    }

    private static void AppendTopic(BrokerNode node, Request request, short acks, ref List<Appended>? flushes)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var topic = TopicReference.Read(node, reader, idsSince: 13);
        topic.Write(writer);
        var partitions = reader.ReadArrayLength();
        writer.WriteArrayLength(partitions);
        for (var i = 0; i < partitions; i++)
        {
            var index = reader.ReadInt32();
            var batch = reader.ReadRawBytes();
            reader.SkipTags();
            var result = acks is < -1 or > 1
                ? new AppendResult(ErrorCode.InvalidRequiredAcks)
                : Append(node, topic, index, batch);
            if (result.Error == ErrorCode.None && topic.Topic?.Partition(index) is { IsFlushDue: true } log)
            {
                (flushes ??= []).Add(new Appended(log, log.LogEnd, writer.Length));
            }
            WriteResult(writer, index, result);
        }
        reader.SkipTags();
        writer.WriteTags();
    }

    private static AppendResult Append(BrokerNode node, in TopicReference topic, int index, Span<byte> batch)
    {
        if (topic.Topic?.Partition(index) is not { } log)
        {
            return new AppendResult(topic.Missing);
        }
        return batch.Length >= BatchHeader.Size && BatchHeader.Read(batch) is { IsTransactional: true } header
            ? node.Transactions.Append(new TopicPartition(topic.Name, index), log, batch, header)
            : log.Append(batch);
    }

    private static async ValueTask FlushAsync(Request request, List<Appended> flushes)
    {
        foreach (var (log, end, resultAt) in flushes)
        {
            try
            {
                await log.FlushAsync(end, request.Cancellation);
            }
            catch (IOException e)
            {
                // What the disk has not taken is not acknowledged; the producer sends it again.
                log.NoteFailure(e);
                request.Writer.PatchError(resultAt + sizeof(int), ErrorCode.KafkaStorageError);
            }
        }
    }

    private static void WriteResult(ResponseWriter writer, int index, in AppendResult result)
    {
        writer.WriteInt32(index);
        writer.WriteError(result.Error);
        writer.WriteInt64(result.BaseOffset);
        writer.WriteInt64(result.LogAppendTimeMs);
        writer.WriteInt64(result.LogStart, since: 5);
        if (writer.Version >= 8)
        {
            WriteRecordErrors(writer, result.Records ?? []);
            writer.WriteString(result.Error == ErrorCode.None ? null : result.Message ?? Errors.Sentence(result.Error));
        }
        writer.WriteTags();
    }

    private static void WriteRecordErrors(ResponseWriter writer, IReadOnlyList<RecordError> errors)
    {
        writer.WriteArrayLength(errors.Count);
        foreach (var (index, message) in errors)
        {
            writer.WriteInt32(index);
            writer.WriteString(message);
            writer.WriteTags();
        }
    }
}
