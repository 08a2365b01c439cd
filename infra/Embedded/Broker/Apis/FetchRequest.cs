using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>One topic of a fetch, with the run of its partitions in the request.</summary>
internal readonly record struct FetchTopic(TopicReference Topic, int First, int Count);

/// <summary>One partition of a fetch; without a log it does not exist, and the error says so.</summary>
internal readonly record struct FetchPartition(
    int Index,
    long Offset,
    int BytesMax,
    PartitionLog? Log,
    ErrorCode Error
);

/// <summary>A fetch as the consumer asked for it, bounded by what the broker allows.</summary>
internal sealed class FetchRequest
{
    public List<FetchTopic> Topics { get; } = [];
    public List<FetchPartition> Partitions { get; } = [];
    public ErrorCode Error { get; private set; }
    public TimeSpan WaitMax { get; private set; }
    public int BytesMin { get; private set; }
    public int BytesMax { get; private set; }
    public bool CommittedOnly { get; private set; }

    /// <summary>Where the body of the response begins, to write it again after a wait.</summary>
    public int ResponseStart { get; private set; }

    public static FetchRequest Read(BrokerNode node, Request request)
    {
        var reader = request.Reader;
        var fetch = new FetchRequest { ResponseStart = request.Writer.Length };
        if (request.Version <= 14)
        {
            reader.ReadInt32();
        }
        var waitMs = Math.Clamp(reader.ReadInt32(), 0, (int)node.Options.FetchWaitMax.TotalMilliseconds);
        fetch.WaitMax = TimeSpan.FromMilliseconds(waitMs);
        fetch.BytesMin = Math.Clamp(reader.ReadInt32(), 0, node.Options.FetchBytesMax);
        fetch.BytesMax = Math.Clamp(reader.ReadInt32(), 1, node.Options.FetchBytesMax);
        fetch.BytesMin = Math.Min(fetch.BytesMin, fetch.BytesMax);
        fetch.CommittedOnly = reader.ReadByte() == 1;
        var sessionId = reader.ReadInt32(since: 7);
        reader.ReadInt32(since: 7);
        fetch.Error = sessionId == 0 ? ErrorCode.None : ErrorCode.FetchSessionIdNotFound;
        for (var topics = reader.ReadArrayLength(); topics > 0; topics--)
        {
            fetch.ReadTopic(node, reader);
        }
        return fetch;
    }

    private void ReadTopic(BrokerNode node, RequestReader reader)
    {
        var topic = TopicReference.Read(node, reader, idsSince: 13);
        var partitions = reader.ReadArrayLength();
        Topics.Add(new FetchTopic(topic, Partitions.Count, partitions));
        for (; partitions > 0; partitions--)
        {
            ReadPartition(reader, topic);
        }
        reader.SkipTags();
    }

    private void ReadPartition(RequestReader reader, in TopicReference topic)
    {
        var index = reader.ReadInt32();
        var leaderEpoch = reader.ReadInt32(since: 9, absent: -1);
        var offset = reader.ReadInt64();
        reader.ReadInt32(since: 12);
        reader.ReadInt64(since: 5);
        var bytesMax = reader.ReadInt32();
        reader.SkipTags();
        var log = topic.Topic?.Partition(index);
        var error =
            log is null ? topic.Missing
            : leaderEpoch > PartitionLog.LeaderEpoch ? ErrorCode.UnknownLeaderEpoch
            : ErrorCode.None;
        Partitions.Add(new FetchPartition(index, offset, bytesMax, log, error));
    }
}
