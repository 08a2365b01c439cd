using EventStream.EventStore.Codec;

namespace EventStream.EventStore.Memory;

/// <summary>
/// What the tables and functions of PostgreSQL are to the other store: rows of events, rows of streams, snapshots, all
/// under one lock.
/// </summary>
internal sealed class InMemoryLog(TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly List<StoredEvent> all = [];
    private readonly Dictionary<(string Tenant, string Stream), Row> streams = [];
    private readonly Dictionary<(string Tenant, Guid Id), StoredEvent> byId = [];
    private readonly Dictionary<(string Tenant, string Stream, string Shape), Snapshot> snapshots = [];

    public long Last
    {
        get
        {
            lock (gate) return all.Count;
        }
    }

    /// <summary>All or nothing.</summary>
    public AppendResult[] Append(IReadOnlyList<EncodedAppend> appends)
    {
        lock (gate)
        {
            foreach (var append in appends.Order(EncodedAppend.Order)) Check(append);
            return [.. appends.Select(append => Known(append) ?? Write(append))];
        }
    }

    public List<StoredEvent> Read(string tenant, string stream, StreamRange range)
    {
        lock (gate)
        {
            if (!streams.TryGetValue((tenant, stream), out var row)) return [];
            if (row.Life == StreamLife.Tombstoned) return [];
            if (row.Life == StreamLife.Archived && !range.IncludeArchived) return [];
            return row.Positions.Select(position => all[(int)position - 1])
                .Where(e => e.Version >= range.FromVersion && e.Version <= range.ToVersion)
                .Where(e => range.ToTime is not { } until || e.RecordedAt <= until).ToList();
        }
    }

    public List<StoredEvent> ReadAll(long after, int max)
    {
        lock (gate)
            return all.Skip((int)Math.Min(after, all.Count)).Where(e => e.Name != EventCodec.ErasedName).Take(max)
                .ToList();
    }

    public StreamState? StateOf(string tenant, string stream)
    {
        lock (gate)
            return streams.TryGetValue((tenant, stream), out var row)
                ? new StreamState(stream, row.Positions.Count, row.CreatedAt, row.UpdatedAt, row.Life) : null;
    }

    public void Move(string tenant, string stream, StreamLife to)
    {
        lock (gate)
        {
            if (!streams.TryGetValue((tenant, stream), out var row)) throw new StreamNotFoundException(stream);
            if (row.Life == StreamLife.Tombstoned) throw new StreamTombstonedException(stream);
            if (row.Life == to) return;
            (row.Life, row.UpdatedAt) = (to, time.GetUtcNow());
        }
    }

    public void Tombstone(EncodedAppend last)
    {
        lock (gate)
        {
            if (!streams.TryGetValue((last.Tenant, last.Stream), out var row))
                throw new StreamNotFoundException(last.Stream);
            if (row.Life == StreamLife.Tombstoned) return;
            var nothing = "{}"u8.ToArray();
            foreach (var position in row.Positions)
            {
                all[(int)position - 1] = all[(int)position - 1] with
                {
                    Name = EventCodec.ErasedName,
                    Data = nothing,
                    Metadata = nothing,
                };
            }

            foreach (var key in snapshots.Keys.Where(key => (key.Tenant, key.Stream) == (last.Tenant, last.Stream)))
                snapshots.Remove(key);
            Write(last);
            row.Life = StreamLife.Tombstoned;
        }
    }

    public Snapshot? SnapshotOf(string tenant, string stream, string shape)
    {
        lock (gate) return snapshots.GetValueOrDefault((tenant, stream, shape));
    }

    public void Keep(string tenant, string stream, Snapshot snapshot)
    {
        lock (gate)
        {
            var key = (tenant, stream, snapshot.Shape);
            if (!snapshots.TryGetValue(key, out var kept) || kept.Version < snapshot.Version)
                snapshots[key] = snapshot;
        }
    }

    public void ForgetSnapshots(string tenant)
    {
        lock (gate)
            foreach (var key in snapshots.Keys.Where(key => key.Tenant == tenant)) snapshots.Remove(key);
    }

    private void Check(EncodedAppend append)
    {
        var row = streams.GetValueOrDefault((append.Tenant, append.Stream));
        if (row?.Life == StreamLife.Archived) throw new StreamArchivedException(append.Stream);
        if (row?.Life == StreamLife.Tombstoned) throw new StreamTombstonedException(append.Stream);
        if (Known(append) is not null) return;
        var taken = append.Ids.Select(id => Find(append.Tenant, id)).OfType<StoredEvent>().ToList();
        var actual = row?.Positions.Count ?? 0;
        // As on PostgreSQL: ids that the stream has in part are the nearer fault, ids of other streams the farther.
        if (taken.Any(e => e.Stream == append.Stream)) throw new DuplicateEventException(append.Stream);
        if (!append.Expected.Matches(actual))
            throw new WrongExpectedVersionException(append.Stream, append.Expected, actual);
        if (taken.Count > 0) throw new DuplicateEventException(append.Stream);
    }

    private AppendResult? Known(EncodedAppend append)
    {
        var known = append.Ids.Select(id => Find(append.Tenant, id)).ToList();
        if (known.Any(e => e?.Stream != append.Stream)) return null;
        var last = known.OfType<StoredEvent>().MaxBy(e => e.Version);
        return new AppendResult(last.Version, last.Position, Repeated: true);
    }

    private StoredEvent? Find(string tenant, Guid id) =>
        byId.TryGetValue((tenant, id), out var known) ? known : null;

    private AppendResult Write(EncodedAppend append)
    {
        var key = (append.Tenant, append.Stream);
        if (!streams.TryGetValue(key, out var row)) streams.Add(key, row = new Row { CreatedAt = time.GetUtcNow() });
        // Within a stream time never runs backwards.
        row.UpdatedAt = time.GetUtcNow() is var now && now > row.UpdatedAt ? now : row.UpdatedAt;
        for (var i = 0; i < append.Count; i++)
        {
            var stored = new StoredEvent(
                all.Count + 1, append.Stream, row.Positions.Count + 1, append.Ids[i], append.Names[i], append.Data[i],
                append.Metadata, row.UpdatedAt, append.Tenant);
            all.Add(stored);
            row.Positions.Add(stored.Position);
            byId.Add((append.Tenant, stored.Id), stored);
        }

        return new AppendResult(row.Positions.Count, all.Count);
    }

    private sealed class Row
    {
        public List<long> Positions { get; } = [];

        public DateTimeOffset CreatedAt { get; init; }

        public DateTimeOffset UpdatedAt { get; set; }

        public StreamLife Life { get; set; }
    }
}
