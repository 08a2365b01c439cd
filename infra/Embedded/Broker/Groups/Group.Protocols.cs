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

    private bool SharesProtocol(JoinRequest request)
    {
        foreach (var protocol in request.Protocols)
        {
            if (IsSupportedByAll(protocol.Name, request.MemberId))
            {
                return true;
            }
        }
        return false;
    }

    private bool IsSupportedByAll(string protocol, string? exceptMember)
    {
        foreach (var member in _members.Values)
        {
            if (member.MemberId == exceptMember)
            {
                continue;
            }
            var supports = false;
            foreach (var candidate in member.Protocols)
            {
                supports |= candidate.Name == protocol;
            }
            if (!supports)
            {
                return false;
            }
        }
        return true;
    }

    private void ChooseLeader()
    {
        if (_leader is not null && _members.TryGetValue(_leader, out var leader) && leader.Join is not null)
        {
            return;
        }
        foreach (var member in _members.Values)
        {
            if (member.Join is not null)
            {
                _leader = member.MemberId;
                return;
            }
        }
    }

    /// <summary>Each member votes for the first of its protocols that all support; the most votes win.</summary>
    private string ChooseProtocol()
    {
        var votes = new Dictionary<string, int>();
        foreach (var member in _members.Values)
        {
            foreach (var protocol in member.Protocols)
            {
                if (IsSupportedByAll(protocol.Name, exceptMember: null))
                {
                    votes[protocol.Name] = votes.GetValueOrDefault(protocol.Name) + 1;
                    break;
                }
            }
        }
        return votes.OrderByDescending(v => v.Value).ThenBy(v => v.Key, StringComparer.Ordinal).First().Key;
    }
}
