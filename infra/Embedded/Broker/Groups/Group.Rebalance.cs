using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Groups;

internal sealed partial class Group
{
    private static TaskCompletionSource<T> NewSource<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Task<JoinResult> JoinNewcomer(JoinRequest request)
    {
        var memberId = $"{request.InstanceId ?? request.ClientId}-{Guid.NewGuid():D}";
        if (request.InstanceId is { } instance)
        {
            return _memberOfInstance.TryGetValue(instance, out var predecessor)
                ? ReplaceStatic(_members[predecessor], memberId, request)
                : Add(memberId, request);
        }
        if (request.RequiresKnownMember)
        {
            // The client joins again with this id, so that an answer that is lost leaves no member behind.
            _promisedIds[memberId] = NowMs() + request.SessionTimeoutMs;
            return Task.FromResult(new JoinResult(ErrorCode.MemberIdRequired, memberId));
        }
        return Add(memberId, request);
    }

    private Task<JoinResult> JoinKnown(JoinRequest request)
    {
        if (_promisedIds.Remove(request.MemberId))
        {
            return Add(request.MemberId, request);
        }
        if (
            request.InstanceId is { } instance
            && _memberOfInstance.TryGetValue(instance, out var owner)
            && owner != request.MemberId
        )
        {
            return Task.FromResult(new JoinResult(ErrorCode.FencedInstanceId, request.MemberId));
        }
        if (!_members.TryGetValue(request.MemberId, out var member))
        {
            return Task.FromResult(new JoinResult(ErrorCode.UnknownMemberId, request.MemberId));
        }
        var unchanged = member.HasSameProtocols(request.Protocols);
        var mayStay =
            State == GroupState.CompletingRebalance || (State == GroupState.Stable && member.MemberId != _leader);
        member.Update(request);
        Touch(member);
        return unchanged && mayStay ? Task.FromResult(Joined(member)) : AwaitJoin(member, "a member joined again");
    }

    private Task<JoinResult> Add(string memberId, JoinRequest request)
    {
        var member = new GroupMember(memberId, request);
        _members.Add(memberId, member);
        ProtocolType = request.ProtocolType;
        if (request.InstanceId is { } instance)
        {
            _memberOfInstance[instance] = memberId;
        }
        if (State == GroupState.PreparingRebalance && _isFirstRebalance)
        {
            _joinEndsMs = Math.Min(NowMs() + DelayMs, _joinEndsAtMostMs);
        }
        return AwaitJoin(member, "a member came");
    }

    /// <summary>
    /// A static member came back: it takes the place, and without a change of its wishes nobody else notices.
    /// </summary>
    private Task<JoinResult> ReplaceStatic(GroupMember predecessor, string memberId, JoinRequest request)
    {
        predecessor.AnswerJoin(new JoinResult(ErrorCode.FencedInstanceId, predecessor.MemberId));
        predecessor.AnswerSync(new SyncResult(ErrorCode.FencedInstanceId, []));
        var wasLeader = predecessor.MemberId == _leader;
        _members.Remove(predecessor.MemberId);
        var member = new GroupMember(memberId, request) { Assignment = predecessor.Assignment };
        _members.Add(memberId, member);
        _memberOfInstance[request.InstanceId!] = memberId;
        Touch(member);
        _leader = wasLeader ? memberId : _leader;
        if (State != GroupState.Stable || !predecessor.HasSameProtocols(request.Protocols))
        {
            return AwaitJoin(member, "a static member came back");
        }
        Save();
        if (!wasLeader)
        {
            return Task.FromResult(Joined(member));
        }
        // A leader would assign again, though nothing has changed. A client that cannot be asked to leave it is
        // answered that another one leads.
        return Task.FromResult(
            request.MaySkipAssignment
                ? Joined(member) with
                {
                    SkipsAssignment = true,
                }
                : Joined(member) with
                {
                    Leader = predecessor.MemberId,
                    Members = [],
                }
        );
    }

    private Task<JoinResult> AwaitJoin(GroupMember member, string reason)
    {
        member.AnswerJoin(new JoinResult(ErrorCode.RebalanceInProgress, member.MemberId));
        member.Join = NewSource<JoinResult>();
        var joined = member.Join.Task;
        MaybeBeginRebalance(reason);
        return joined;
    }

    private void MaybeBeginRebalance(string reason)
    {
        if (State == GroupState.PreparingRebalance)
        {
            return;
        }
        _reason = reason;
        _isFirstRebalance = State == GroupState.Empty && DelayMs > 0;
        State = GroupState.PreparingRebalance;
        var rebalanceMs = 0;
        foreach (var member in _members.Values)
        {
            rebalanceMs = Math.Max(rebalanceMs, member.RebalanceTimeoutMs);
            member.AnswerSync(new SyncResult(ErrorCode.RebalanceInProgress, []));
        }
        _joinEndsAtMostMs = NowMs() + rebalanceMs;
        _joinEndsMs = _isFirstRebalance ? Math.Min(NowMs() + DelayMs, _joinEndsAtMostMs) : _joinEndsAtMostMs;
    }

    private void MaybeCompleteJoin()
    {
        var waits = _members.Count > 0 && (_isFirstRebalance || _promisedIds.Count > 0);
        if (State == GroupState.PreparingRebalance && !waits && _members.Values.All(member => member.Join is not null))
        {
            CompleteJoin();
        }
    }

    private void CompleteJoin()
    {
        _isFirstRebalance = false;
        foreach (var member in _members.Values.Where(m => m is { Join: null, InstanceId: null }))
        {
            Remove(member);
        }
        _generation++;
        if (_members.Count == 0)
        {
            State = GroupState.Empty;
            (_leader, _protocolName) = (null, null);
            _emptySinceMs = WallMs();
            Save();
        }
        else
        {
            State = GroupState.CompletingRebalance;
            ChooseLeader();
            _protocolName = ChooseProtocol();
            foreach (var member in _members.Values)
            {
                Touch(member);
                member.AnswerJoin(Joined(member));
            }
        }
        BrokerLog.Rebalanced(_logger, Id, _generation, _members.Count, _reason);
    }

    private JoinResult Joined(GroupMember member)
    {
        var seen = member.MemberId == _leader ? _members.Values : Enumerable.Empty<GroupMember>();
        return new JoinResult(ErrorCode.None, member.MemberId, _generation, ProtocolType, _protocolName, _leader ?? "")
        {
            Members = [.. seen.Select(m => new JoinedMember(m.MemberId, m.InstanceId, m.MetadataFor(_protocolName)))],
        };
    }

    private void Assign(IReadOnlyDictionary<string, byte[]> assignments)
    {
        State = GroupState.Stable;
        foreach (var member in _members.Values)
        {
            member.Assignment = assignments.GetValueOrDefault(member.MemberId, []);
        }
        Save();
        foreach (var member in _members.Values.Where(m => m.Sync is not null))
        {
            Touch(member);
            member.AnswerSync(AssignmentOf(member));
        }
    }

    private SyncResult AssignmentOf(GroupMember member) =>
        new(ErrorCode.None, member.Assignment, ProtocolType, _protocolName);
}
