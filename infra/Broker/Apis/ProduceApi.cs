using EventStream.Broker.Groups;
using EventStream.Broker.Log;
using EventStream.Broker.Protocol;
using EventStream.Broker.Server;

namespace EventStream.Broker.Apis;

/// <summary>
/// Produce: appends one record batch to each partition. Nothing but a flush to the disk, where it is asked for, makes
/// it wait: with one replica acks 1 and all are the same.
/// </summary>
internal static class ProduceApi
{
    private readonly record struct Appended(PartitionLog Log, long End);

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, version) = (request.Reader, request.Version);
        reader.ReadNullableString();
        var acks = reader.ReadInt16();
        reader.ReadInt32();
        request.WantsResponse = acks != 0;
        var flushes = node.Options.Flush == FlushMode.Always && acks != 0 ? new List<Appended>() : null;
        var topics = reader.ReadArrayLength();
        request.Writer.WriteArrayLength(topics);
        for (var i = 0; i < topics; i++)
        {
            AppendTopic(node, request, acks, flushes);
        }
        request.Writer.WriteInt32(0);
        request.Writer.WriteTags();
        return flushes is null ? ValueTask.CompletedTask : FlushAsync(flushes, request.Cancellation);
    }

    private static void AppendTopic(BrokerNode node, Request request, short acks, List<Appended>? flushes)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        Topic? topic;
        if (request.Version >= 13)
        {
            var id = reader.ReadUuid();
            topic = node.Topics.Find(id);
            writer.WriteUuid(id);
        }
        else
        {
            var name = reader.ReadString();
            topic = node.Topics.Find(name);
            writer.WriteString(name);
        }
        var partitions = reader.ReadArrayLength();
        writer.WriteArrayLength(partitions);
        for (var i = 0; i < partitions; i++)
        {
            var index = reader.ReadInt32();
            var batch = reader.ReadRawBytes();
            reader.SkipTags();
            var result = acks is < -1 or > 1
                ? new AppendResult(ErrorCode.InvalidRequiredAcks)
                : Append(node, topic, index, batch, request.Version, flushes);
            WriteResult(writer, request.Version, index, result);
        }
        reader.SkipTags();
        writer.WriteTags();
    }

    private static AppendResult Append(
        BrokerNode node, Topic? topic, int index, Span<byte> batch, short version, List<Appended>? flushes)
    {
        if (topic?.Partition(index) is not { } log)
        {
            return new AppendResult(topic is null && version >= 13
                ? ErrorCode.UnknownTopicId
                : ErrorCode.UnknownTopicOrPartition);
        }
        node.Counters.CountAppended(batch.Length);
        var result = batch.Length >= BatchHeader.Size && BatchHeader.Read(batch) is { IsTransactional: true } header
            ? node.Transactions.Append(new TopicPartition(topic.Name, index), log, batch, header)
            : log.Append(batch);
        if (result.Error == ErrorCode.None)
        {
            flushes?.Add(new Appended(log, log.LogEnd));
        }
        return result;
    }

    private static async ValueTask FlushAsync(List<Appended> flushes, CancellationToken cancellation)
    {
        foreach (var (log, end) in flushes)
        {
            await log.FlushAsync(end, cancellation);
        }
    }

    private static void WriteResult(ResponseWriter writer, short version, int index, in AppendResult result)
    {
        writer.WriteInt32(index);
        writer.WriteError(result.Error);
        writer.WriteInt64(result.BaseOffset);
        writer.WriteInt64(result.LogAppendTimeMs);
        if (version >= 5)
        {
            writer.WriteInt64(result.LogStart);
        }
        if (version >= 8)
        {
            writer.WriteArrayLength(0);
            writer.WriteString(result.Error == ErrorCode.None ? null : Errors.Sentence(result.Error));
        }
        writer.WriteTags();
    }
}
