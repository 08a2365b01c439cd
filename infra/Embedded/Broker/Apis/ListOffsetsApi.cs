using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// ListOffsets: the earliest offset, the latest, the one of the greatest timestamp, or the first at or after a time.
/// </summary>
internal static class ListOffsetsApi
{
    private const long Latest = -1;
    private const long Earliest = -2;
    private const long MaxTimestamp = -3;
    private const long EarliestLocal = -4;
    private const long LatestTiered = -5;
    private const long EarliestPendingUpload = -6;

    private readonly record struct Found(ErrorCode Error, long TimestampMs, long Offset);

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer, version) = (request.Reader, request.Writer, request.Version);
        reader.ReadInt32();
        var committedOnly = version >= 2 && reader.ReadByte() == 1;
        if (version >= 2)
        {
            writer.WriteInt32(0);
        }
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
                AnswerPartition(node, request, name, committedOnly);
            }
            reader.SkipTags();
            writer.WriteTags();
        }
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    private static void AnswerPartition(BrokerNode node, Request request, string topic, bool committedOnly)
    {
        var (reader, writer, version) = (request.Reader, request.Writer, request.Version);
        var index = reader.ReadInt32();
        var leaderEpoch = version >= 4 ? reader.ReadInt32() : -1;
        var timestamp = reader.ReadInt64();
        reader.SkipTags();
        var found =
            version < FirstVersionOf(timestamp) ? new Found(ErrorCode.UnsupportedVersion, -1, -1)
            : node.Topics.Partition(topic, index) is not { } log ? new Found(ErrorCode.UnknownTopicOrPartition, -1, -1)
            : leaderEpoch > PartitionLog.LeaderEpoch ? new Found(ErrorCode.UnknownLeaderEpoch, -1, -1)
            : Find(log, timestamp, committedOnly);
        writer.WriteInt32(index);
        writer.WriteError(found.Error);
        writer.WriteInt64(found.TimestampMs);
        writer.WriteInt64(found.Offset);
        if (version >= 4)
        {
            writer.WriteInt32(found.Offset >= 0 ? PartitionLog.LeaderEpoch : -1);
        }
        writer.WriteTags();
    }

    /// <summary>The negative timestamps that ask for something else than a time came one by one.</summary>
    private static short FirstVersionOf(long timestamp) =>
        timestamp switch
        {
            >= Earliest => 1,
            MaxTimestamp => 7,
            EarliestLocal => 8,
            LatestTiered => 9,
            _ => short.MaxValue,
        };

    private static Found Find(PartitionLog log, long timestamp, bool committedOnly)
    {
        var end = committedOnly ? log.LastStable : log.LogEnd;
        switch (timestamp)
        {
            case Latest:
                return new Found(ErrorCode.None, -1, end);
            case Earliest or EarliestLocal:
                return new Found(ErrorCode.None, -1, log.LogStart);
            case LatestTiered or EarliestPendingUpload:
                return new Found(ErrorCode.None, -1, -1);
            default:
                var found = timestamp == MaxTimestamp ? log.FindMaxTimestamp() : log.FindByTime(timestamp);
                return found is { } record && record.Offset < end
                    ? new Found(ErrorCode.None, record.TimestampMs, record.Offset)
                    : new Found(ErrorCode.None, -1, -1);
        }
    }
}
