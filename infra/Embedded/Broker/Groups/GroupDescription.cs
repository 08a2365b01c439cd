namespace EventStream.Embedded.Broker.Groups;

/// <summary>A member as an administrator sees it.</summary>
internal sealed record MemberDescription(
    string MemberId,
    string? InstanceId,
    string ClientId,
    string ClientHost,
    byte[] Metadata,
    byte[] Assignment
);

/// <summary>A group as an administrator sees it.</summary>
internal sealed record GroupDescription(
    GroupState State,
    string ProtocolType,
    string ProtocolName,
    IReadOnlyList<MemberDescription> Members
);
