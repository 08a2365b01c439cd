using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Groups;

/// <summary>
/// The offset store owns the committed offsets of all groups. A commit is in the journal before it is acknowledged;
/// the offsets of a transaction are kept aside there until the transaction ends.
/// </summary>
internal sealed class OffsetStore : IDisposable
{
    private const char Separator = '\0';
    private const string Counts = "c";
    private const string Waits = "p";
    private readonly Lock _gate = new();
    private readonly Journal _journal;
    private readonly Dictionary<string, GroupOffsets> _groups = [];

    private OffsetStore(Journal journal) => _journal = journal;

    public static OffsetStore Open(string path, bool flush)
    {
        var store = new OffsetStore(Journal.Open(path, flush));
        foreach (var (key, value) in store._journal.Entries)
        {
            store.Load(key.Split(Separator), Decode(value));
        }
        return store;
    }

    public string[] Groups()
    {
        lock (_gate)
        {
            return [.. _groups.Keys];
        }
    }

    public void Commit(string group, IReadOnlyList<(TopicPartition Partition, CommittedOffset Offset)> offsets)
    {
        lock (_gate)
        {
            _journal.Put([.. offsets.Select(o => new JournalEntry(Key(Counts, group, o.Partition), Encode(o.Offset)))]);
            var known = Of(group);
            foreach (var (partition, offset) in offsets)
            {
                known.Committed[partition] = offset;
            }
        }
    }

    /// <summary>Keeps offsets aside until <see cref="EndTransaction"/>.</summary>
    public void CommitPending(
        string group,
        long producerId,
        IReadOnlyList<(TopicPartition Partition, CommittedOffset Offset)> offsets
    )
    {
        lock (_gate)
        {
            var kind = Waits + producerId;
            _journal.Put([.. offsets.Select(o => new JournalEntry(Key(kind, group, o.Partition), Encode(o.Offset)))]);
            var pending = PendingOf(Of(group), producerId);
            foreach (var (partition, offset) in offsets)
            {
                pending[partition] = offset;
            }
        }
    }

    /// <summary>
    /// Makes the offsets that a transaction kept aside count, or forgets them. To repeat it does no harm.
    /// </summary>
    public void EndTransaction(string group, long producerId, bool commit)
    {
        lock (_gate)
        {
            if (!_groups.TryGetValue(group, out var known) || !known.Pending.TryGetValue(producerId, out var pending))
            {
                return;
            }
            var counts = commit ? pending : [];
            _journal.Put([
                .. counts.Select(o => new JournalEntry(Key(Counts, group, o.Key), Encode(o.Value))),
                .. pending.Keys.Select(partition => new JournalEntry(Key(Waits + producerId, group, partition), null)),
            ]);
            known.Pending.Remove(producerId);
            foreach (var (partition, offset) in counts)
            {
                known.Committed[partition] = offset;
            }
        }
    }

    /// <summary>
    /// The offset that counts, null when there is none, and whether a transaction may be about to change it.
    /// </summary>
    public (CommittedOffset? Offset, bool IsPending) Find(string group, TopicPartition partition)
    {
        lock (_gate)
        {
            if (!_groups.TryGetValue(group, out var known))
            {
                return (null, false);
            }
            var found = known.Committed.TryGetValue(partition, out var offset);
            return (found ? offset : null, known.IsPending(partition));
        }
    }

    public TopicPartition[] PartitionsOf(string group)
    {
        lock (_gate)
        {
            return _groups.TryGetValue(group, out var known) ? [.. known.Committed.Keys] : [];
        }
    }

    public void RemoveGroup(string group) => Remove((name, _) => name == group);

    public void RemoveTopic(string topic) => Remove((_, partition) => partition.Topic == topic);

    public void Dispose() => _journal.Dispose();

    /// <summary>
    /// Removes offsets of a group; those that an open transaction is about to change stay. False when nothing is left.
    /// </summary>
    /// <exception cref="IOException">The disk refused; nothing changed.</exception>
    public bool Expire(string group, Func<TopicPartition, CommittedOffset, bool> isExpired)
    {
        lock (_gate)
        {
            if (!_groups.TryGetValue(group, out var known))
            {
                return false;
            }
            Remove(
                (name, partition) =>
                    name == group && !known.IsPending(partition) && isExpired(partition, known.Committed[partition])
            );
            return _groups.ContainsKey(group);
        }
    }

    private void Remove(Func<string, TopicPartition, bool> isGone)
    {
        lock (_gate)
        {
            var gone = _groups
                .SelectMany(group => group.Value.Committed.Keys, (group, partition) => (group.Key, partition))
                .Where(offset => isGone(offset.Key, offset.partition))
                .ToList();
            _journal.Put([.. gone.Select(offset => new JournalEntry(Key(Counts, offset.Key, offset.partition), null))]);
            foreach (var (name, partition) in gone)
            {
                var offsets = _groups[name];
                offsets.Committed.Remove(partition);
                if (offsets.Committed.Count == 0 && offsets.Pending.Count == 0)
                {
                    _groups.Remove(name);
                }
            }
        }
    }

    private static string Key(string kind, string group, TopicPartition partition) =>
        string.Join(Separator, kind, partition.Topic, partition.Partition.ToString(), group);

    private static byte[] Encode(CommittedOffset offset)
    {
        using var writer = new ResponseWriter();
        writer.WriteInt64(offset.Offset);
        writer.WriteInt32(offset.LeaderEpoch);
        writer.WriteInt64(offset.CommittedMs);
        writer.WriteString(offset.Metadata);
        return writer.Written.ToArray();
    }

    private static CommittedOffset Decode(byte[] value)
    {
        var reader = new RequestReader();
        reader.Reset(value, 0, value.Length);
        var (offset, epoch, committedMs) = (reader.ReadInt64(), reader.ReadInt32(), reader.ReadInt64());
        return new CommittedOffset(offset, epoch, reader.ReadNullableString(), committedMs);
    }

    private void Load(string[] key, CommittedOffset offset)
    {
        var partition = new TopicPartition(key[1], int.Parse(key[2]));
        var group = Of(string.Join(Separator, key[3..]));
        if (key[0] == Counts)
        {
            group.Committed[partition] = offset;
        }
        else
        {
            PendingOf(group, long.Parse(key[0].AsSpan(Waits.Length)))[partition] = offset;
        }
    }

    private GroupOffsets Of(string group)
    {
        if (!_groups.TryGetValue(group, out var known))
        {
            _groups[group] = known = new GroupOffsets();
        }
        return known;
    }

    private static Dictionary<TopicPartition, CommittedOffset> PendingOf(GroupOffsets group, long producerId)
    {
        if (!group.Pending.TryGetValue(producerId, out var pending))
        {
            group.Pending[producerId] = pending = [];
        }
        return pending;
    }
}
