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

    private readonly record struct Found(ErrorCode Error, long TimestampMs, long Offset);

    public static void Handle(BrokerNode node, Request request)
    {
        var reader = request.Reader;
        reader.ReadInt32();
        var committedOnly = reader.ReadByte(since: 2) == 1;
        request.AnswerEachPartition(topic => AnswerPartition(node, request, topic, committedOnly));
    }

    private static void AnswerPartition(BrokerNode node, Request request, string topic, bool committedOnly)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var index = reader.ReadInt32();
        var leaderEpoch = reader.ReadInt32(since: 4, absent: -1);
        var timestamp = reader.ReadInt64();
        var found =
            request.Version < FirstVersionOf(timestamp) ? new Found(ErrorCode.UnsupportedVersion, -1, -1)
            : node.Topics.Partition(topic, index) is not { } log ? new Found(ErrorCode.UnknownTopicOrPartition, -1, -1)
            : leaderEpoch > PartitionLog.LeaderEpoch ? new Found(ErrorCode.UnknownLeaderEpoch, -1, -1)
            : Find(log, timestamp, committedOnly);
        writer.WriteInt32(index);
        writer.WriteError(found.Error);
        writer.WriteInt64(found.TimestampMs);
        writer.WriteInt64(found.Offset);
        writer.WriteInt32(found.Offset >= 0 ? PartitionLog.LeaderEpoch : -1, since: 4);
    }

    /// <summary>Below the earliest and the latest offset there is only the greatest timestamp to ask for.</summary>
    private static short FirstVersionOf(long timestamp) =>
        timestamp switch
        {
            >= Earliest => 1,
            MaxTimestamp => 7,
            _ => short.MaxValue,
        };

    private static Found Find(PartitionLog log, long timestamp, bool committedOnly)
    {
        var end = committedOnly ? log.LastStable : log.LogEnd;
        switch (timestamp)
        {
            case Latest:
                return new Found(ErrorCode.None, -1, end);
            case Earliest:
                return new Found(ErrorCode.None, -1, log.LogStart);
            default:
                var found = timestamp == MaxTimestamp ? log.FindMaxTimestamp() : log.FindByTime(timestamp);
                return found is { } record && record.Offset < end
                    ? new Found(ErrorCode.None, record.TimestampMs, record.Offset)
                    : new Found(ErrorCode.None, -1, -1);
        }
    }
}
