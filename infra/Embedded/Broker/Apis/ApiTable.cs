using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// One API: the versions that are served, the first of them with the flexible encoding, and the handler, which finds
/// the reader behind the header and writes the body. <see cref="AdvertisedMin"/> differs from <see cref="Min"/> only
/// for Produce.
/// </summary>
internal sealed record ApiEntry(
    ApiKey Key,
    short Min,
    short Max,
    short FlexibleFrom,
    Func<BrokerNode, Request, ValueTask> Handler
)
{
    public short AdvertisedMin { get; init; } = Min;
}

/// <summary>The broker is this table: from API key and version to the handler.</summary>
internal static class ApiTable
{
    private const short Never = short.MaxValue;

    public static readonly ApiEntry[] Entries =
    [
        // Some clients take a Produce that does not begin with version 0 for a broker without compression codecs.
        new(ApiKey.Produce, 3, 13, 9, ProduceApi.HandleAsync) { AdvertisedMin = 0 },
        new(ApiKey.Fetch, 4, 18, 12, FetchApi.HandleAsync),
        new(ApiKey.ListOffsets, 1, 11, 6, ListOffsetsApi.HandleAsync),
        new(ApiKey.Metadata, 0, 13, 9, MetadataApi.HandleAsync),
        new(ApiKey.OffsetCommit, 2, 10, 8, OffsetCommitApi.HandleAsync),
        new(ApiKey.OffsetFetch, 1, 10, 6, OffsetFetchApi.HandleAsync),
        new(ApiKey.FindCoordinator, 0, 6, 3, FindCoordinatorApi.HandleAsync),
        new(ApiKey.JoinGroup, 0, 9, 6, JoinGroupApi.HandleAsync),
        new(ApiKey.Heartbeat, 0, 4, 4, HeartbeatApi.HandleAsync),
        new(ApiKey.LeaveGroup, 0, 5, 4, LeaveGroupApi.HandleAsync),
        new(ApiKey.SyncGroup, 0, 5, 4, SyncGroupApi.HandleAsync),
        new(ApiKey.DescribeGroups, 0, 6, 5, DescribeGroupsApi.HandleAsync),
        new(ApiKey.ListGroups, 0, 5, 3, ListGroupsApi.HandleAsync),
        new(ApiKey.SaslHandshake, 0, 1, Never, SaslHandshakeApi.HandleAsync),
        new(ApiKey.ApiVersions, 0, 4, 3, ApiVersionsApi.HandleAsync),
        new(ApiKey.CreateTopics, 2, 7, 5, CreateTopicsApi.HandleAsync),
        new(ApiKey.DeleteTopics, 1, 6, 4, DeleteTopicsApi.HandleAsync),
        new(ApiKey.DeleteRecords, 0, 2, 2, DeleteRecordsApi.HandleAsync),
        new(ApiKey.InitProducerId, 0, 5, 2, InitProducerIdApi.HandleAsync),
        new(ApiKey.OffsetForLeaderEpoch, 2, 4, 4, OffsetForLeaderEpochApi.HandleAsync),
        new(ApiKey.AddPartitionsToTxn, 0, 3, 3, AddPartitionsToTxnApi.HandleAsync),
        new(ApiKey.AddOffsetsToTxn, 0, 4, 3, AddOffsetsToTxnApi.HandleAsync),
        new(ApiKey.EndTxn, 0, 4, 3, EndTxnApi.HandleAsync),
        new(ApiKey.WriteTxnMarkers, 1, 2, 1, WriteTxnMarkersApi.HandleAsync),
        new(ApiKey.TxnOffsetCommit, 0, 4, 3, TxnOffsetCommitApi.HandleAsync),
        new(ApiKey.DescribeConfigs, 1, 4, 4, DescribeConfigsApi.HandleAsync),
        new(ApiKey.AlterConfigs, 0, 2, 2, AlterConfigsApi.HandleAsync),
        new(ApiKey.DescribeLogDirs, 1, 5, 2, DescribeLogDirsApi.HandleAsync),
        new(ApiKey.SaslAuthenticate, 0, 2, 2, SaslAuthenticateApi.HandleAsync),
        new(ApiKey.CreatePartitions, 0, 3, 2, CreatePartitionsApi.HandleAsync),
        new(ApiKey.DeleteGroups, 0, 2, 2, DeleteGroupsApi.HandleAsync),
        new(ApiKey.IncrementalAlterConfigs, 0, 1, 1, IncrementalAlterConfigsApi.HandleAsync),
        new(ApiKey.OffsetDelete, 0, 0, Never, OffsetDeleteApi.HandleAsync),
        new(ApiKey.DescribeClientQuotas, 0, 1, 1, DescribeClientQuotasApi.HandleAsync),
        new(ApiKey.DescribeUserScramCredentials, 0, 0, 0, DescribeUserScramCredentialsApi.HandleAsync),
        new(ApiKey.DescribeCluster, 0, 2, 0, DescribeClusterApi.HandleAsync),
        new(ApiKey.DescribeProducers, 0, 0, 0, DescribeProducersApi.HandleAsync),
        new(ApiKey.DescribeTransactions, 0, 0, 0, DescribeTransactionsApi.HandleAsync),
        new(ApiKey.ListTransactions, 0, 2, 0, ListTransactionsApi.HandleAsync),
        new(ApiKey.DescribeTopicPartitions, 0, 0, 0, DescribeTopicPartitionsApi.HandleAsync),
    ];

    private static readonly ApiEntry?[] ByKey = Index();

    /// <summary>Reads the header of the request, answers it into its writer.</summary>
    /// <exception cref="MalformedRequestException">
    /// No such API or version, or a field does not fit into the request.
    /// </exception>
    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var reader = request.Reader;
        var key = reader.ReadInt16();
        var version = reader.ReadInt16();
        var correlationId = reader.ReadInt32();
        request.ClientId = reader.ReadClassicNullableString() ?? "";
        request.WantsResponse = true;
        var entry = (uint)key < (uint)ByKey.Length ? ByKey[key] : null;
        request.Api = (ApiKey)key;
        request.Version = version;
        if (entry is null || version < entry.Min || version > entry.Max)
        {
            return Refuse(request, correlationId);
        }
        request.Sasl?.Admit(entry.Key);
        var flexible = version >= entry.FlexibleFrom;
        reader.Flexible = flexible;
        reader.SkipTags();
        // The answer to ApiVersions keeps the old header: a client reads it before it knows which versions the broker
        // supports.
        request.Writer.Begin(correlationId, flexible && entry.Key != ApiKey.ApiVersions);
        request.Writer.Flexible = flexible;
        return entry.Handler(node, request);
    }

    private static ValueTask Refuse(Request request, int correlationId)
    {
        if (request.Api != ApiKey.ApiVersions)
        {
            throw new MalformedRequestException($"request {request.Api} in version {request.Version} is not served");
        }
        request.Version = 0;
        request.Writer.Begin(correlationId, flexibleHeader: false);
        ApiVersionsApi.Write(request, ErrorCode.UnsupportedVersion);
        return ValueTask.CompletedTask;
    }

    private static ApiEntry?[] Index()
    {
        var index = new ApiEntry?[(int)Entries.Max(e => e.Key) + 1];
        foreach (var entry in Entries)
        {
            index[(int)entry.Key] = entry;
        }
        return index;
    }
}
