using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Groups;

internal sealed partial class Group
{
    private ErrorCode CheckJoin(JoinRequest request)
    {
        if (
            request.SessionTimeoutMs < _options.SessionTimeoutMin.TotalMilliseconds
            || request.SessionTimeoutMs > _options.SessionTimeoutMax.TotalMilliseconds
        )
        {
            return ErrorCode.InvalidSessionTimeout;
        }
        if (request.ProtocolType.Length == 0 || request.Protocols.Count == 0)
        {
            return ErrorCode.InconsistentGroupProtocol;
        }
        var isKnown = _members.ContainsKey(request.MemberId);
        if (!isKnown && _members.Count + _promisedIds.Count >= _options.GroupMembersMax && request.MemberId.Length == 0)
        {
            return ErrorCode.GroupMaxSizeReached;
        }
        var others = _members.Count - (isKnown ? 1 : 0);
        return others == 0 || (request.ProtocolType == ProtocolType && SharesProtocol(request))
            ? ErrorCode.None
            : ErrorCode.InconsistentGroupProtocol;
    }

    private bool SharesProtocol(JoinRequest request) =>
        request.Protocols.Any(protocol => IsSupportedByAll(protocol.Name, request.MemberId));

    private bool IsSupportedByAll(string protocol, string? exceptMember) =>
        _members.Values.All(m => m.MemberId == exceptMember || m.Protocols.Any(p => p.Name == protocol));

    private void ChooseLeader()
    {
        if (_leader is null || !_members.TryGetValue(_leader, out var leader) || leader.Join is null)
        {
            _leader = _members.Values.FirstOrDefault(member => member.Join is not null)?.MemberId ?? _leader;
        }
    }

    /// <summary>Each member votes for the first of its protocols that all support; the most votes win.</summary>
    private string ChooseProtocol() =>
        _members
            .Values.Select(member => member.Protocols.FirstOrDefault(p => IsSupportedByAll(p.Name, null))?.Name)
            .OfType<string>()
            .GroupBy(name => name)
            .OrderByDescending(votes => votes.Count())
            .ThenBy(votes => votes.Key, StringComparer.Ordinal)
            .First()
            .Key;
}
