using System.Collections.Concurrent;
using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace EventStream.Embedded.Broker.Groups;

/// <summary>Knows every group; generations and offsets are on disk.</summary>
internal sealed class GroupCoordinator : IDisposable
{
    private readonly BrokerOptions _options;
    private readonly ILogger _logger;
    private readonly Journal _journal;
    private readonly ConcurrentDictionary<string, Group> _groups = new(StringComparer.Ordinal);

    private GroupCoordinator(BrokerOptions options, ILogger logger)
    {
        _options = options;
        _logger = logger;
        var flush = options.Flush == FlushMode.Always;
        Offsets = OffsetStore.Open(Path.Combine(options.DataFolder, "offsets.journal"), flush);
        _journal = Journal.Open(Path.Combine(options.DataFolder, "groups.journal"), flush);
    }

    public OffsetStore Offsets { get; }

    public ICollection<Group> All => _groups.Values;

    public static GroupCoordinator Open(BrokerOptions options, ILogger logger)
    {
        var coordinator = new GroupCoordinator(options, logger);
        foreach (var group in coordinator.Offsets.Groups())
        {
            coordinator.GetOrAdd(group);
        }
        foreach (var (id, value) in coordinator._journal.Entries)
        {
            coordinator.GetOrAdd(id).Restore(value);
        }
        return coordinator;
    }

    public Group? Find(string id) => _groups.GetValueOrDefault(id);

    public Group GetOrAdd(string id)
    {
        if (_groups.TryGetValue(id, out var known))
        {
            return known;
        }
        var group = new Group(id, _options, _logger, _journal);
        var kept = _groups.GetOrAdd(id, group);
        if (!ReferenceEquals(kept, group))
        {
            group.Dispose();
        }
        return kept;
    }

    public Task<JoinResult> JoinAsync(string groupId, JoinRequest request)
    {
        if (request.MemberId.Length > 0 && !_groups.ContainsKey(groupId))
        {
            return Task.FromResult(new JoinResult(ErrorCode.UnknownMemberId, request.MemberId));
        }
        while (true)
        {
            // A group that was deleted between the look-up and the call is replaced by a new one.
            if (GetOrAdd(groupId).TryJoin(request, out var joined))
            {
                return joined;
            }
        }
    }

    /// <summary>Deletes a group without members, and its offsets.</summary>
    public ErrorCode Delete(string id)
    {
        if (!_groups.TryGetValue(id, out var group))
        {
            return ErrorCode.GroupIdNotFound;
        }
        if (!group.TryKill())
        {
            return ErrorCode.NonEmptyGroup;
        }
        _groups.TryRemove(id, out _);
        group.Dispose();
        try
        {
            Offsets.RemoveGroup(id);
            _journal.Put(new JournalEntry(id, null));
            return ErrorCode.None;
        }
        catch (IOException e)
        {
            // A group without members comes back, as the disk still has it, for the request to be made again.
            BrokerLog.UpkeepFailed(_logger, e, "group " + id);
            GetOrAdd(id);
            return ErrorCode.CoordinatorNotAvailable;
        }
    }

    /// <summary>
    /// Removes offsets whose time is over (KIP-211), and groups that have neither members nor offsets any more.
    /// </summary>
    /// <exception cref="IOException">The disk refused; what was not removed is removed another time.</exception>
    public void Expire()
    {
        foreach (var group in _groups.Values)
        {
            var hasOffsets = Offsets.Expire(
                group.Id,
                (partition, offset) => group.IsExpired(partition.Topic, offset.CommittedMs)
            );
            if (!hasOffsets && group.IsIdle && group.TryKill())
            {
                _groups.TryRemove(group.Id, out _);
                group.Dispose();
                _journal.Put(new JournalEntry(group.Id, null));
            }
        }
    }

    public void Dispose()
    {
        foreach (var group in _groups.Values)
        {
            group.Dispose();
        }
        Offsets.Dispose();
        _journal.Dispose();
    }
}
