using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Groups;

internal sealed partial class Group
{
    private string _reason = "";

    private long DelayMs => (long)_options.InitialRebalanceDelay.TotalMilliseconds;

    private ErrorCode CheckMember(string memberId, string? instanceId, int generation)
    {
        if (instanceId is not null)
        {
            if (!_memberOfInstance.TryGetValue(instanceId, out var owner))
            {
                return ErrorCode.UnknownMemberId;
            }
            if (owner != memberId)
            {
                return ErrorCode.FencedInstanceId;
            }
        }
        if (State is GroupState.Empty or GroupState.Dead || !_members.ContainsKey(memberId))
        {
            return ErrorCode.UnknownMemberId;
        }
        return generation == _generation ? ErrorCode.None : ErrorCode.IllegalGeneration;
    }

    private void Touch(GroupMember member) => member.SessionEndsMs = NowMs() + member.SessionTimeoutMs;

    private void Remove(GroupMember member)
    {
        _members.Remove(member.MemberId);
        if (member.InstanceId is { } instance && _memberOfInstance.GetValueOrDefault(instance) == member.MemberId)
        {
            _memberOfInstance.Remove(instance);
        }
        if (_leader == member.MemberId)
        {
            _leader = null;
        }
        member.AnswerJoin(new JoinResult(ErrorCode.UnknownMemberId, member.MemberId));
        member.AnswerSync(new SyncResult(ErrorCode.UnknownMemberId, []));
    }

    private void OnTimer()
    {
        lock (_gate)
        {
            if (State == GroupState.Dead)
            {
                return;
            }
            var nowMs = NowMs();
            ExpirePromises(nowMs);
            ExpireSessions(nowMs);
            if (State == GroupState.PreparingRebalance && _joinEndsMs <= nowMs)
            {
                EndWaitForMembers(nowMs);
            }
            MaybeCompleteJoin();
            SetTimer();
        }
    }

    /// <summary>
    /// After the first delay a member that was promised an id still has until the rebalance time-out.
    /// </summary>
    private void EndWaitForMembers(long nowMs)
    {
        if (_isFirstRebalance && _promisedIds.Count > 0 && _joinEndsAtMostMs > nowMs)
        {
            _isFirstRebalance = false;
            _joinEndsMs = _joinEndsAtMostMs;
            return;
        }
        CompleteJoin();
    }

    private void ExpirePromises(long nowMs)
    {
        foreach (var (memberId, _) in _promisedIds.Where(promise => promise.Value <= nowMs))
        {
            _promisedIds.Remove(memberId);
        }
    }

    private void ExpireSessions(long nowMs)
    {
        foreach (var member in _members.Values.Where(m => !m.IsWaiting && m.SessionEndsMs <= nowMs))
        {
            Remove(member);
            MaybeBeginRebalance("a member's session timed out");
        }
    }

    private void SetTimer()
    {
        if (State == GroupState.Dead)
        {
            return;
        }
        // Heartbeats move the end of a session without touching the timer, which then fires early and is set again.
        var next = _promisedIds
            .Values.Concat(_members.Values.Where(m => !m.IsWaiting).Select(m => m.SessionEndsMs))
            .Append(State == GroupState.PreparingRebalance ? _joinEndsMs : long.MaxValue)
            .Min();
        var due =
            next == long.MaxValue
                ? Timeout.InfiniteTimeSpan
                : TimeSpan.FromMilliseconds(Math.Max(next - NowMs(), 0) + 1);
        _timer.Change(due, Timeout.InfiniteTimeSpan);
    }

    private long NowMs() => (long)_options.Time.GetElapsedTime(0, _options.Time.GetTimestamp()).TotalMilliseconds;
}
