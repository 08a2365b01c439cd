using System.Diagnostics.CodeAnalysis;
using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace EventStream.Embedded.Broker.Groups;

/// <summary>The state of a group; the names are those that DescribeGroups answers with.</summary>
internal enum GroupState
{
    Empty,
    PreparingRebalance,
    CompletingRebalance,
    Stable,
    Dead,
}

/// <summary>
/// A group owns who its members are and which generation they form. A rebalance begins when a member comes, goes or
/// changes, ends as soon as every member has joined again, and hands the assignment of the leader to all. The
/// members' assignors decide eager or cooperative; the group passes bytes. One lock and one timer, set to the next
/// moment that matters, serve a group.
/// </summary>
internal sealed partial class Group : IDisposable
{
    private readonly Lock _gate = new();
    private readonly BrokerOptions _options;
    private readonly ILogger _logger;
    private readonly Journal _journal;
    private readonly Dictionary<string, GroupMember> _members = [];
    private readonly Dictionary<string, string> _memberOfInstance = [];
    private readonly Dictionary<string, long> _promisedIds = [];
    private readonly ITimer _timer;
    private string? _leader;
    private string? _protocolName;
    private int _generation;
    private bool _isFirstRebalance;
    private long _joinEndsMs;
    private long _joinEndsAtMostMs;

    public Group(string id, BrokerOptions options, ILogger logger, Journal journal)
    {
        Id = id;
        _journal = journal;
        _options = options;
        _logger = logger;
        _timer = options.Time.CreateTimer(_ => OnTimer(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public string Id { get; }

    public GroupState State { get; private set; } = GroupState.Empty;

    public string? ProtocolType { get; private set; }

    /// <summary>
    /// Joins; the task ends when the rebalance does. False when the group is dead and must be looked up again.
    /// </summary>
    public bool TryJoin(JoinRequest request, [NotNullWhen(true)] out Task<JoinResult>? joined)
    {
        lock (_gate)
        {
            if (State == GroupState.Dead)
            {
                joined = null;
                return false;
            }
            var error = CheckJoin(request);
            joined =
                error != ErrorCode.None ? Task.FromResult(new JoinResult(error, request.MemberId))
                : request.MemberId.Length == 0 ? JoinNewcomer(request)
                : JoinKnown(request);
            MaybeCompleteJoin();
            SetTimer();
            return true;
        }
    }

    /// <summary>
    /// Hands in the leader's assignment, or asks for one's own; the task ends when the leader has handed in.
    /// </summary>
    public Task<SyncResult> Sync(
        string memberId,
        string? instanceId,
        int generation,
        IReadOnlyDictionary<string, byte[]> assignments
    )
    {
        lock (_gate)
        {
            var error = CheckMember(memberId, instanceId, generation);
            if (error == ErrorCode.None && State == GroupState.PreparingRebalance)
            {
                error = ErrorCode.RebalanceInProgress;
            }
            if (error != ErrorCode.None)
            {
                return Task.FromResult(new SyncResult(error, []));
            }
            var member = _members[memberId];
            Touch(member);
            if (State == GroupState.Stable)
            {
                return Task.FromResult(AssignmentOf(member));
            }
            member.AnswerSync(new SyncResult(ErrorCode.RebalanceInProgress, []));
            member.Sync = NewSource<SyncResult>();
            var synced = member.Sync.Task;
            if (memberId == _leader)
            {
                Assign(assignments);
            }
            SetTimer();
            return synced;
        }
    }

    public ErrorCode Heartbeat(string memberId, string? instanceId, int generation)
    {
        lock (_gate)
        {
            var error = CheckMember(memberId, instanceId, generation);
            if (error != ErrorCode.None)
            {
                return error;
            }
            Touch(_members[memberId]);
            return State == GroupState.PreparingRebalance ? ErrorCode.RebalanceInProgress : ErrorCode.None;
        }
    }

    public ErrorCode Leave(string memberId, string? instanceId)
    {
        lock (_gate)
        {
            if (instanceId is not null)
            {
                if (!_memberOfInstance.TryGetValue(instanceId, out var owner))
                {
                    return ErrorCode.UnknownMemberId;
                }
                if (memberId.Length > 0 && owner != memberId)
                {
                    return ErrorCode.FencedInstanceId;
                }
                memberId = owner;
            }
            if (!_promisedIds.Remove(memberId))
            {
                if (!_members.TryGetValue(memberId, out var member))
                {
                    return ErrorCode.UnknownMemberId;
                }
                Remove(member);
                MaybeBeginRebalance("a member left");
            }
            MaybeCompleteJoin();
            SetTimer();
            return ErrorCode.None;
        }
    }

    /// <summary>
    /// Whether offsets may be committed by this member of this generation; -1 and no member for none at all.
    /// </summary>
    public ErrorCode CheckCommit(string memberId, string? instanceId, int generation)
    {
        lock (_gate)
        {
            if (generation < 0 && memberId.Length == 0 && instanceId is null)
            {
                return _members.Count == 0 ? ErrorCode.None : ErrorCode.UnknownMemberId;
            }
            var error = CheckMember(memberId, instanceId, generation);
            if (error != ErrorCode.None)
            {
                return error;
            }
            Touch(_members[memberId]);
            return State == GroupState.CompletingRebalance ? ErrorCode.RebalanceInProgress : ErrorCode.None;
        }
    }

    /// <summary>
    /// Whether a transaction may commit offsets for the group: members are checked only when one is named.
    /// </summary>
    public ErrorCode CheckTransactionalCommit(string memberId, string? instanceId, int generation)
    {
        lock (_gate)
        {
            return generation < 0 && memberId.Length == 0 && instanceId is null
                ? ErrorCode.None
                : CheckMember(memberId, instanceId, generation);
        }
    }

    /// <summary>Ends the group for good when it has no members.</summary>
    public bool TryKill()
    {
        lock (_gate)
        {
            if (_members.Count > 0 || _promisedIds.Count > 0)
            {
                return false;
            }
            State = GroupState.Dead;
            return true;
        }
    }

    public GroupDescription Describe()
    {
        lock (_gate)
        {
            var settled = State == GroupState.Stable;
            var members = _members.Values.Select(member => new MemberDescription(
                member.MemberId,
                member.InstanceId,
                member.ClientId,
                member.ClientHost,
                settled ? member.MetadataFor(_protocolName) : [],
                settled ? member.Assignment : []
            ));
            return new GroupDescription(State, ProtocolType ?? "", settled ? _protocolName ?? "" : "", [.. members]);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            State = GroupState.Dead;
            _timer.Dispose();
        }
    }
}
