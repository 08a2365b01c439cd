using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// One API: the versions that are served, the first of them with the flexible encoding, the first whose answer begins
/// with the time that the client is throttled, and the handler. It finds the reader behind the header and the writer
/// behind that time, and leaves to the table the tags that end the answer. <see cref="AdvertisedMin"/> differs from
/// <see cref="Min"/> only for Produce.
/// </summary>
internal sealed record ApiEntry(
    ApiKey Key,
    short Min,
    short Max,
    short FlexibleSince,
    short ThrottleSince,
    Func<BrokerNode, Request, ValueTask> Handler
)
{
    public ApiEntry(
        ApiKey key,
        short min,
        short max,
        short flexibleSince,
        short throttleSince,
        Action<BrokerNode, Request> handler
    )
        : this(key, min, max, flexibleSince, throttleSince, Completing(handler)) { }

    public short AdvertisedMin { get; init; } = Min;

    private static Func<BrokerNode, Request, ValueTask> Completing(Action<BrokerNode, Request> handler) =>
        (node, request) =>
        {
            handler(node, request);
            return ValueTask.CompletedTask;
        };
}

/// <summary>The broker is this table: from API key and version to the handler.</summary>
internal static class ApiTable
{
    private const short Never = short.MaxValue;

    public static readonly ApiEntry[] Entries =
    [
        // Some clients take a Produce that does not begin with version 0 for a broker without compression codecs.
        new(ApiKey.Produce, 3, 13, 9, Never, ProduceApi.HandleAsync) { AdvertisedMin = 0 },
        new(ApiKey.Fetch, 4, 18, 12, 1, FetchApi.HandleAsync),
        new(ApiKey.ListOffsets, 1, 7, 6, 2, ListOffsetsApi.Handle),
        new(ApiKey.Metadata, 0, 13, 9, 3, MetadataApi.Handle),
        new(ApiKey.OffsetCommit, 2, 10, 8, 3, OffsetCommitApi.Handle),
        new(ApiKey.OffsetFetch, 1, 10, 6, 3, OffsetFetchApi.Handle),
        new(ApiKey.FindCoordinator, 0, 6, 3, 1, FindCoordinatorApi.Handle),
        new(ApiKey.JoinGroup, 0, 9, 6, 2, JoinGroupApi.HandleAsync),
        new(ApiKey.Heartbeat, 0, 4, 4, 1, HeartbeatApi.Handle),
        new(ApiKey.LeaveGroup, 0, 5, 4, 1, LeaveGroupApi.Handle),
        new(ApiKey.SyncGroup, 0, 5, 4, 1, SyncGroupApi.HandleAsync),
        new(ApiKey.DescribeGroups, 0, 6, 5, 1, DescribeGroupsApi.Handle),
        new(ApiKey.ListGroups, 0, 5, 3, 1, ListGroupsApi.Handle),
        new(ApiKey.SaslHandshake, 0, 1, Never, Never, SaslHandshakeApi.Handle),
        new(ApiKey.ApiVersions, 0, 4, 3, Never, ApiVersionsApi.Handle),
        new(ApiKey.CreateTopics, 2, 7, 5, 2, CreateTopicsApi.Handle),
        new(ApiKey.DeleteTopics, 1, 6, 4, 1, DeleteTopicsApi.Handle),
        new(ApiKey.DeleteRecords, 0, 2, 2, 0, DeleteRecordsApi.Handle),
        new(ApiKey.InitProducerId, 0, 5, 2, 0, InitProducerIdApi.Handle),
        new(ApiKey.OffsetForLeaderEpoch, 2, 4, 4, 2, OffsetForLeaderEpochApi.Handle),
        new(ApiKey.AddPartitionsToTxn, 0, 3, 3, 0, AddPartitionsToTxnApi.Handle),
        new(ApiKey.AddOffsetsToTxn, 0, 4, 3, 0, AddOffsetsToTxnApi.Handle),
        new(ApiKey.EndTxn, 0, 4, 3, 0, EndTxnApi.Handle),
        new(ApiKey.TxnOffsetCommit, 0, 4, 3, 0, TxnOffsetCommitApi.Handle),
        new(ApiKey.DescribeConfigs, 1, 4, 4, 0, DescribeConfigsApi.Handle),
        new(ApiKey.AlterConfigs, 0, 2, 2, 0, AlterConfigsApi.Handle),
        new(ApiKey.SaslAuthenticate, 0, 2, 2, Never, SaslAuthenticateApi.HandleAsync),
        new(ApiKey.CreatePartitions, 0, 3, 2, 0, CreatePartitionsApi.Handle),
        new(ApiKey.DeleteGroups, 0, 2, 2, 0, DeleteGroupsApi.Handle),
        new(ApiKey.IncrementalAlterConfigs, 0, 1, 1, 0, AlterConfigsApi.HandleIncremental),
        new(ApiKey.DescribeCluster, 0, 2, 0, 0, DescribeClusterApi.Handle),
    ];

    private static readonly Dictionary<ApiKey, ApiEntry> ByKey = Entries.ToDictionary(e => e.Key);

    /// <summary>Reads the header of the request, answers it into its writer.</summary>
    /// <exception cref="MalformedRequestException">
    /// No such API or version, or a field does not fit into the request.
    /// </exception>
    public static async ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        request.Api = (ApiKey)reader.ReadInt16();
        var version = reader.ReadInt16();
        var correlationId = reader.ReadInt32();
        request.ClientId = reader.ReadClassicNullableString() ?? "";
        request.WantsResponse = true;
        if (!ByKey.TryGetValue(request.Api, out var entry) || version < entry.Min || version > entry.Max)
        {
            Refuse(request, version, correlationId);
            return;
        }
        request.Sasl?.Admit(entry.Key);
        request.Version = version;
        var flexible = version >= entry.FlexibleSince;
        reader.Flexible = flexible;
        reader.SkipTags();
        // The answer to ApiVersions keeps the old header: a client reads it before it knows which versions the broker
        // supports.
        writer.Begin(correlationId, flexible && entry.Key != ApiKey.ApiVersions);
        writer.Flexible = flexible;
        writer.WriteInt32(0, since: entry.ThrottleSince);
        await entry.Handler(node, request);
        writer.WriteTags();
    }

    private static void Refuse(Request request, short version, int correlationId)
    {
        if (request.Api != ApiKey.ApiVersions)
        {
            throw new MalformedRequestException($"request {request.Api} in version {version} is not served");
        }
        request.Version = 0;
        request.Writer.Begin(correlationId, flexibleHeader: false);
        ApiVersionsApi.Write(request.Writer, ErrorCode.UnsupportedVersion);
    }
}
