using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>One topic of a fetch, with the run of its partitions in the request.</summary>
internal readonly record struct FetchTopic(string Name, Guid Id, int First, int Count);

/// <summary>One partition of a fetch; without a log it does not exist, and the error says so.</summary>
internal readonly record struct FetchPartition(
    int Index,
    int LeaderEpoch,
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
        var (reader, version) = (request.Reader, request.Version);
        var fetch = new FetchRequest { ResponseStart = request.Writer.Length };
        if (version <= 14)
        {
            reader.ReadInt32();
        }
        var waitMs = Math.Clamp(reader.ReadInt32(), 0, (int)node.Options.FetchWaitMax.TotalMilliseconds);
        fetch.WaitMax = TimeSpan.FromMilliseconds(waitMs);
        fetch.BytesMin = Math.Clamp(reader.ReadInt32(), 0, node.Options.FetchBytesMax);
        fetch.BytesMax = Math.Clamp(reader.ReadInt32(), 1, node.Options.FetchBytesMax);
        fetch.BytesMin = Math.Min(fetch.BytesMin, fetch.BytesMax);
        fetch.CommittedOnly = reader.ReadByte() == 1;
        if (version >= 7)
        {
            var sessionId = reader.ReadInt32();
            reader.ReadInt32();
            fetch.Error = sessionId == 0 ? ErrorCode.None : ErrorCode.FetchSessionIdNotFound;
        }
        var topics = reader.ReadArrayLength();
        for (var i = 0; i < topics; i++)
        {
            fetch.ReadTopic(node, reader, version);
        }
        return fetch;
    }

    private void ReadTopic(BrokerNode node, RequestReader reader, short version)
    {
        var id = version >= 13 ? reader.ReadUuid() : Guid.Empty;
        var name = version >= 13 ? "" : reader.ReadString();
        var topic = version >= 13 ? node.Topics.Find(id) : node.Topics.Find(name);
        var missing = topic is null && version >= 13 ? ErrorCode.UnknownTopicId : ErrorCode.UnknownTopicOrPartition;
        var partitions = reader.ReadArrayLength();
        Topics.Add(new FetchTopic(name, id, Partitions.Count, partitions));
        for (var i = 0; i < partitions; i++)
        {
            ReadPartition(reader, version, topic, missing);
        }
        reader.SkipTags();
    }

    private void ReadPartition(RequestReader reader, short version, Topic? topic, ErrorCode missing)
    {
        var index = reader.ReadInt32();
        var leaderEpoch = version >= 9 ? reader.ReadInt32() : -1;
        var offset = reader.ReadInt64();
        if (version >= 12)
        {
            reader.ReadInt32();
        }
        if (version >= 5)
        {
            reader.ReadInt64();
        }
        var bytesMax = reader.ReadInt32();
        reader.SkipTags();
        var log = topic?.Partition(index);
        var error =
            log is null ? missing
            : leaderEpoch > PartitionLog.LeaderEpoch ? ErrorCode.UnknownLeaderEpoch
            : ErrorCode.None;
        Partitions.Add(new FetchPartition(index, leaderEpoch, offset, bytesMax, log, error));
    }
}
