using System.Net;
using EventStream.Embedded.Broker.Security;

namespace EventStream.Embedded.Broker;

/// <summary>How much a broker does before it acknowledges a record.</summary>
public enum FlushMode
{
    /// <summary>
    /// The record is with the operating system: it survives the end of the process (kill -9), not the loss of power.
    /// </summary>
    Process,

    /// <summary>The record is on the disk: it survives the loss of power. Concurrent appends share a flush.</summary>
    Always,
}

/// <summary>
/// What a <see cref="DevBroker"/> is started with. Sizes are bytes, counts are counts, times are spans.
/// </summary>
public sealed record BrokerOptions
{
    /// <summary>
    /// The folder that holds everything the broker keeps; made if need be. One broker at a time may use it.
    /// </summary>
    public required string DataFolder { get; init; }

    /// <summary>
    /// The address to listen on. Anything but the loopback opens the broker to the network and needs
    /// <see cref="Security"/>.
    /// </summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>Encryption and authentication; the default is neither.</summary>
    public SecurityOptions Security { get; init; } = new();

    /// <summary>The TCP port, 0 for any free one.</summary>
    public int Port { get; init; }

    /// <summary>The host name that is advertised to clients; null for the address itself.</summary>
    public string? AdvertisedHost { get; init; }

    /// <summary>How durable an acknowledged record is.</summary>
    public FlushMode Flush { get; init; } = FlushMode.Process;

    /// <summary>Whether a metadata request for an unknown topic makes it.</summary>
    public bool AutoCreateTopics { get; init; }

    /// <summary>The partitions of a topic that is made without saying how many.</summary>
    public int PartitionsDefault { get; init; } = 1;

    /// <summary>The partitions that may exist in all; each keeps a file open.</summary>
    public int PartitionsMax { get; init; } = 4096;

    /// <summary>
    /// The connections served at once; a further one is closed at once. Each has one request at a time, so that this
    /// also bounds the fetches, joins and flushes that wait.
    /// </summary>
    public int ConnectionsMax { get; init; } = 1024;

    /// <summary>The connections of one client address served at once.</summary>
    public int ConnectionsPerAddressMax { get; init; } = 1024;

    /// <summary>
    /// The size of one request. A larger one closes its connection: it is garbage or a client set up wrongly.
    /// </summary>
    public int RequestBytesMax { get; init; } = 32 * 1024 * 1024;

    /// <summary>
    /// The size of one request that is no Produce. What such requests are read into takes more memory than their
    /// bytes, which this bounds.
    /// </summary>
    public int ControlRequestBytesMax { get; init; } = 4 * 1024 * 1024;

    /// <summary>
    /// The size of one response. A request whose answer would be larger, by naming the same topic again and again,
    /// closes its connection.
    /// </summary>
    public int ResponseBytesMax { get; init; } = 64 * 1024 * 1024;

    /// <summary>
    /// The bytes of large requests and responses held in memory for all connections together; more has to wait.
    /// </summary>
    public long InFlightBytesMax { get; init; } = 128 * 1024 * 1024;

    /// <summary>The record bytes of one fetch response, whatever the consumer asks for.</summary>
    public int FetchBytesMax { get; init; } = 16 * 1024 * 1024;

    /// <summary>
    /// How long a client may take to send the rest of a request that it began, or to take a response.
    /// </summary>
    public TimeSpan TransferTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a fetch may wait for records at most.</summary>
    public TimeSpan FetchWaitMax { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How long the first rebalance of an empty group waits for further members, each of whom extends it.
    /// </summary>
    public TimeSpan InitialRebalanceDelay { get; init; } = TimeSpan.FromMilliseconds(300);

    /// <summary>The shortest session time-out that a group member may ask for.</summary>
    public TimeSpan SessionTimeoutMin { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest session time-out that a group member may ask for.</summary>
    public TimeSpan SessionTimeoutMax { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>The members of one group.</summary>
    public int GroupMembersMax { get; init; } = 1000;

    /// <summary>The bytes of the metadata that a consumer may commit with an offset.</summary>
    public int OffsetMetadataBytesMax { get; init; } = 4096;

    /// <summary>
    /// How long the offsets of a group are kept after its last member left, or for a group that never had members,
    /// after
    /// the commit (KIP-211).
    /// </summary>
    public TimeSpan OffsetsRetention { get; init; } = TimeSpan.FromDays(7);

    /// <summary>The longest transaction time-out that a producer may ask for.</summary>
    public TimeSpan TransactionTimeoutMax { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>How long a transactional id that is no longer used is remembered.</summary>
    public TimeSpan TransactionalIdExpiry { get; init; } = TimeSpan.FromDays(7);

    /// <summary>How long a partition remembers a producer that no longer writes.</summary>
    public TimeSpan ProducerExpiry { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How often retention is applied to the logs.</summary>
    public TimeSpan RetentionCheckInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How often offsets, groups without offsets and transactional ids expire, as Kafka's
    /// <c>offsets.retention.check.interval.ms</c>: an empty group stays for tools to see and delete in the meantime.
    /// </summary>
    public TimeSpan ExpiryCheckInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How often it is looked whether a compacted topic is due for compaction.</summary>
    public TimeSpan CompactionCheckInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// The keys that compaction remembers at once, 36 to 72 bytes each; a partition with more takes several passes.
    /// </summary>
    public int CompactionKeysMax { get; init; } = 1_000_000;

    /// <summary>
    /// How often complete segments are brought to the disk, and topics with <c>flush.ms</c> are looked at.
    /// </summary>
    public TimeSpan FlushCheckInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The clock; tests turn it by hand.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Every error of the options, empty when there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new List<string>();
        void Require(bool holds, string error)
        {
            if (!holds)
            {
                errors.Add(error);
            }
        }
        Require(!string.IsNullOrWhiteSpace(DataFolder), $"{nameof(DataFolder)} names no folder.");
        Require(Port is >= 0 and <= 65535, $"{nameof(Port)} is {Port}; a port lies between 0 and 65535.");
        Require(
            PartitionsMax >= PartitionsDefault,
            $"{nameof(PartitionsMax)} is less than {nameof(PartitionsDefault)}."
        );
        Require(
            ResponseBytesMax >= FetchBytesMax && ResponseBytesMax >= RequestBytesMax,
            $"{nameof(ResponseBytesMax)} is less than one fetch response or the largest record batch."
        );
        Require(
            InFlightBytesMax >= RequestBytesMax && InFlightBytesMax >= FetchBytesMax,
            $"{nameof(InFlightBytesMax)} is less than one request or one fetch response."
        );
        Require(
            SessionTimeoutMin <= SessionTimeoutMax,
            $"{nameof(SessionTimeoutMin)} exceeds {nameof(SessionTimeoutMax)}."
        );
        foreach (var (name, value, least) in Numbers())
        {
            Require(value >= least, $"{name} is {value}; it is at least {least}.");
        }
        foreach (var (name, value) in Spans())
        {
            Require(value > TimeSpan.Zero, $"{name} is {value}; it is more than 0.");
        }
        errors.AddRange(Security.Validate(Address));
        return errors;
    }

    private IEnumerable<(string Name, int Value, int Least)> Numbers() =>
        [
            (nameof(PartitionsDefault), PartitionsDefault, 1),
            (nameof(ConnectionsMax), ConnectionsMax, 1),
            (nameof(ConnectionsPerAddressMax), ConnectionsPerAddressMax, 1),
            (nameof(RequestBytesMax), RequestBytesMax, 4096),
            (nameof(ControlRequestBytesMax), ControlRequestBytesMax, 4096),
            (nameof(FetchBytesMax), FetchBytesMax, 4096),
            (nameof(GroupMembersMax), GroupMembersMax, 1),
            (nameof(CompactionKeysMax), CompactionKeysMax, 1),
        ];

    /// <summary>Every span but the delay of the first rebalance, which may be none.</summary>
    private IEnumerable<(string Name, TimeSpan Value)> Spans() =>
        from property in typeof(BrokerOptions).GetProperties()
        where property.PropertyType == typeof(TimeSpan) && property.Name != nameof(InitialRebalanceDelay)
        select (property.Name, (TimeSpan)property.GetValue(this)!);
}
