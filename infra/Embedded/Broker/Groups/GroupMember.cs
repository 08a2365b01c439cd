using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Groups;

/// <summary>An assignor that a member can use, with what the member passes to it; opaque to the broker.</summary>
internal sealed record MemberProtocol(string Name, byte[] Metadata);

/// <summary>A member's request to join. Time-outs are milliseconds.</summary>
internal sealed record JoinRequest(
    string MemberId,
    string? InstanceId,
    string ClientId,
    string ClientHost,
    string ProtocolType,
    IReadOnlyList<MemberProtocol> Protocols,
    int SessionTimeoutMs,
    int RebalanceTimeoutMs,
    bool RequiresKnownMember
)
{
    /// <summary>Whether the client knows an answer that makes it the leader without work to do.</summary>
    public bool MaySkipAssignment { get; init; }
}

/// <summary>A member as the leader of the group sees it.</summary>
internal sealed record JoinedMember(string MemberId, string? InstanceId, byte[] Metadata);

/// <summary>The answer to a request to join.</summary>
internal sealed record JoinResult(
    ErrorCode Error,
    string MemberId,
    int Generation = -1,
    string? ProtocolType = null,
    string? ProtocolName = null,
    string Leader = ""
)
{
    public IReadOnlyList<JoinedMember> Members { get; init; } = [];

    /// <summary>The member is the leader, and the generation keeps its assignment.</summary>
    public bool SkipsAssignment { get; init; }
}

/// <summary>The answer to a request for the assignment.</summary>
internal sealed record SyncResult(
    ErrorCode Error,
    byte[] Assignment,
    string? ProtocolType = null,
    string? ProtocolName = null
);

/// <summary>
/// One member of a group; the lock of its group guards it. Moments are milliseconds of a monotonic clock.
/// </summary>
internal sealed class GroupMember(string memberId, JoinRequest request)
{
    public string MemberId { get; } = memberId;
    public string? InstanceId { get; } = request.InstanceId;
    public string ClientId { get; private set; } = request.ClientId;
    public string ClientHost { get; private set; } = request.ClientHost;
    public IReadOnlyList<MemberProtocol> Protocols { get; private set; } = request.Protocols;
    public int SessionTimeoutMs { get; private set; } = request.SessionTimeoutMs;
    public int RebalanceTimeoutMs { get; private set; } = request.RebalanceTimeoutMs;
    public byte[] Assignment { get; set; } = [];
    public long SessionEndsMs { get; set; }

    /// <summary>The member's waiting request to join, null when it has none.</summary>
    public TaskCompletionSource<JoinResult>? Join { get; set; }

    /// <summary>The member's waiting request for its assignment, null when it has none.</summary>
    public TaskCompletionSource<SyncResult>? Sync { get; set; }

    public bool IsWaiting => Join is not null || Sync is not null;

    public void Update(JoinRequest request)
    {
        ClientId = request.ClientId;
        ClientHost = request.ClientHost;
        Protocols = request.Protocols;
        SessionTimeoutMs = request.SessionTimeoutMs;
        RebalanceTimeoutMs = request.RebalanceTimeoutMs;
    }

    public byte[] MetadataFor(string? protocol) => Protocols.FirstOrDefault(p => p.Name == protocol)?.Metadata ?? [];

    public bool HasSameProtocols(IReadOnlyList<MemberProtocol> protocols) =>
        protocols.Count == Protocols.Count
        && protocols
            .Zip(Protocols)
            .All(p => p.First.Name == p.Second.Name && p.First.Metadata.SequenceEqual(p.Second.Metadata));

    public void AnswerJoin(JoinResult result)
    {
        var waiting = Join;
        Join = null;
        waiting?.TrySetResult(result);
    }

    public void AnswerSync(SyncResult result)
    {
        var waiting = Sync;
        Sync = null;
        waiting?.TrySetResult(result);
    }
}
