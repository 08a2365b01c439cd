using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// DescribeTopicPartitions: topics in the order of their names, so many partitions at a time, with a cursor to go on
/// from.
/// </summary>
internal static class DescribeTopicPartitionsApi
{
    /// <summary>The partitions of one answer, whatever the client asks for.</summary>
    public const int PartitionsMax = 2000;

    private const int OperationsUnknown = int.MinValue;

    private readonly record struct Cursor(string Topic, int Partition);

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var names = new SortedSet<string>(StringComparer.Ordinal);
        for (var count = reader.ReadArrayLength(); count > 0; count--)
        {
            names.Add(reader.ReadString());
            reader.SkipTags();
        }
        if (names.Count == 0)
        {
            names.UnionWith(node.Topics.All.Select(t => t.Name));
        }
        var left = Math.Clamp(reader.ReadInt32(), 1, PartitionsMax);
        var from = ReadCursor(reader);
        writer.WriteInt32(0);
        var countAt = writer.Length;
        var (written, next) = WriteTopics(node, writer, [.. names], from, left);
        InsertCount(writer, countAt, written);
        WriteCursor(writer, next);
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    private static (int Written, Cursor? Next) WriteTopics(
        BrokerNode node,
        ResponseWriter writer,
        string[] names,
        Cursor? from,
        int left
    )
    {
        var written = 0;
        foreach (var name in names)
        {
            if (from is { } cursor && string.CompareOrdinal(name, cursor.Topic) < 0)
            {
                continue;
            }
            var first = from?.Topic == name ? Math.Max(from.Value.Partition, 0) : 0;
            if (left == 0)
            {
                return (written, new Cursor(name, first));
            }
            var topic = node.Topics.Find(name);
            var count = Math.Clamp((topic?.Partitions.Length ?? 0) - first, 0, left);
            WriteTopic(writer, name, topic, first, count);
            written++;
            left -= count;
            if (first + count < topic?.Partitions.Length)
            {
                return (written, new Cursor(name, first + count));
            }
        }
        return (written, null);
    }

    private static void WriteTopic(ResponseWriter writer, string name, Topic? topic, int first, int count)
    {
        writer.WriteError(
            topic is not null ? ErrorCode.None
            : TopicStore.IsValidName(name) ? ErrorCode.UnknownTopicOrPartition
            : ErrorCode.InvalidTopic
        );
        writer.WriteString(name);
        writer.WriteUuid(topic?.Id ?? Guid.Empty);
        writer.WriteBoolean(false);
        writer.WriteArrayLength(count);
        for (var i = first; i < first + count; i++)
        {
            writer.WriteError(ErrorCode.None);
            writer.WriteInt32(i);
            writer.WriteInt32(BrokerNode.NodeId);
            writer.WriteInt32(PartitionLog.LeaderEpoch);
            writer.WriteInt32Array([BrokerNode.NodeId]);
            writer.WriteInt32Array([BrokerNode.NodeId]);
            writer.WriteInt32Array([]);
            writer.WriteInt32Array([]);
            writer.WriteInt32Array([]);
            writer.WriteTags();
        }
        writer.WriteInt32(OperationsUnknown);
        writer.WriteTags();
    }

    /// <summary>A structure that may be absent is preceded by a byte: 1 when it is there, -1 when not.</summary>
    private static Cursor? ReadCursor(RequestReader reader)
    {
        if ((sbyte)reader.ReadByte() < 0)
        {
            return null;
        }
        var cursor = new Cursor(reader.ReadString(), reader.ReadInt32());
        reader.SkipTags();
        return cursor;
    }

    private static void WriteCursor(ResponseWriter writer, Cursor? cursor)
    {
        if (cursor is not { } next)
        {
            writer.WriteByte(byte.MaxValue);
            return;
        }
        writer.WriteByte(1);
        writer.WriteString(next.Topic);
        writer.WriteInt32(next.Partition);
        writer.WriteTags();
    }

    private static void InsertCount(ResponseWriter writer, int position, int count)
    {
        var body = writer.From(position).ToArray();
        writer.Truncate(position);
        writer.WriteArrayLength(count);
        body.CopyTo(writer.Grow(body.Length));
    }
}
