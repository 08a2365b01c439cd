using EventStream.EventStore.Postgres;
using JasperFx;
using JasperFx.Events;
using Marten.Events;

namespace EventStream.EventStore.Tools;

/// <summary>
/// Reads an export into the store of a service. Events keep their ids, positions, streams, versions, times, types and
/// metadata; personal data is encrypted under keys of this store. What is there already is passed over, so that an
/// import that was cut goes on when it is run again.
/// </summary>
/// <remarks>
/// Events go in by Marten's bulk import, <see cref="BatchMax"/> in one transaction. Positions are kept because the
/// topics name them: the relay compares its topics' ends with the store and so publishes nothing twice. The service's
/// readers must not run: they would pass the places of events that are still to come.
/// </remarks>
public sealed class StoreImport(OpenStore store, IProgress<ImportedCount>? progress = null)
{
    /// <summary>Events of one transaction.</summary>
    public const int BatchMax = 1000;

    private readonly List<(long Line, ExportedEvent Event)> batch = [];
    private ImportedCount count;
    private long last;

    /// <summary>
    /// Prepares the store. Throws <see cref="LiveReadersException"/> while a process runs its readers.
    /// </summary>
    public async Task BeginAsync(CancellationToken cancellation)
    {
        if (await new ReaderLocks(store).HeldAsync(cancellation) is { Count: > 0 } held)
            throw new LiveReadersException(store.Service.Name, held, "import");
        // A cut between a batch and its streams leaves versions behind.
        await ExecuteAsync(
            """
            update mt_streams s set version = e.version
            from (select stream_id, max(version) as version from mt_events group by stream_id) e
            where s.id = e.stream_id and s.version < e.version
            """,
            cancellation
        );
    }

    /// <summary>
    /// Takes the next event of the export, <paramref name="line"/> being its number there. Throws
    /// <see cref="ImportException"/> where it cannot follow what the store holds.
    /// </summary>
    public async Task AddAsync(long line, ExportedEvent e, CancellationToken cancellation)
    {
        if (e.Position <= last)
            throw new ImportException(
                line,
                $"position {e.Position} follows {last}: an export ascends by position, "
                    + "so export all streams, not one"
            );
        last = e.Position;
        batch.Add((line, e));
        if (batch.Count == BatchMax)
            await FlushAsync(cancellation);
    }

    /// <summary>Stores what was taken and returns how many events are new and how many were there.</summary>
    public async Task<ImportedCount> EndAsync(CancellationToken cancellation)
    {
        await FlushAsync(cancellation);
        if (!store.Service.RelaysImports)
            await PassRelayAsync(cancellation);
        return count;
    }

    private async Task FlushAsync(CancellationToken cancellation)
    {
        var missing = await MissingAsync(cancellation);
        if (missing.Count > 0)
            await StoreAsync(missing, cancellation);
        count = new(count.Imported + missing.Count, count.Present + batch.Count - missing.Count);
        batch.Clear();
        progress?.Report(count);
    }

    /// <summary>The events of the batch that the store does not hold yet.</summary>
    private async Task<List<(long Line, ExportedEvent Event)>> MissingAsync(CancellationToken cancellation)
    {
        var held = new Dictionary<long, Guid>();
        await using var command = store.Source.Command(
            "select seq_id, id from mt_events where seq_id = any ($1) or id = any ($2)",
            batch.Select(item => item.Event.Position).ToArray(),
            batch.Select(item => item.Event.Id).ToArray()
        );
        await using (var row = await command.ExecuteReaderAsync(cancellation))
        {
            while (await row.ReadAsync(cancellation))
                held.Add(row.GetInt64(0), row.GetGuid(1));
        }

        var known = held.Values.ToHashSet();
        var missing = new List<(long, ExportedEvent)>();
        foreach (var (line, e) in batch)
        {
            if (held.TryGetValue(e.Position, out var there) && there == e.Id)
                continue;
            if (held.ContainsKey(e.Position) || known.Contains(e.Id))
                throw new ImportException(
                    line,
                    $"the store holds another event at position {e.Position}, or event "
                        + $"{e.Id} at another: it was begun otherwise. Import into an empty schema"
                );
            missing.Add((line, e));
        }

        return missing;
    }

    private async Task StoreAsync(List<(long Line, ExportedEvent Event)> missing, CancellationToken cancellation)
    {
        var newest = await store.Status.NewestAsync(cancellation);
        if (missing[0].Event.Position is var first && first <= newest)
            throw new ImportException(
                missing[0].Line,
                $"position {first} lies before {newest}, which the store has "
                    + "reached already: it took events of its own. Import into an empty schema"
            );
        var versions = await VersionsAsync(missing, cancellation);
        var started = missing
            .Select(item => item.Event.Stream)
            .Distinct()
            .Where(id => !versions.ContainsKey(id))
            .ToList();
        Follow(missing, versions);
        await FetchKeysAsync(missing, cancellation);
        await store.Documents.BulkInsertEventStreamAsync(
            StorageConstants.DefaultTenantId,
            [.. started.Select(id => new BulkEventStreamHeader { Id = id, Version = versions[id] })],
            EventsAsync(missing, cancellation),
            BulkEventSequenceMode.PreserveSourceSequence,
            BatchMax,
            cancellation
        );
        await MoveStreamsAsync(missing, versions, cancellation);
    }

    /// <summary>Moves each stream's version on, event by event; one that leaves a gap cannot be imported.</summary>
    private static void Follow(List<(long Line, ExportedEvent Event)> missing, Dictionary<Guid, long> versions)
    {
        foreach (var (line, e) in missing)
        {
            var before = versions.GetValueOrDefault(e.Stream);
            if (e.Version != before + 1)
                throw new ImportException(
                    line,
                    $"version {e.Version} of stream {e.Category}-{e.Stream:D} follows "
                        + $"version {before}: an earlier part of the export is missing"
                );
            versions[e.Stream] = e.Version;
        }
    }

    private async Task<Dictionary<Guid, long>> VersionsAsync(
        List<(long Line, ExportedEvent Event)> missing,
        CancellationToken cancellation
    )
    {
        await using var command = store.Source.Command(
            "select id, version from mt_streams where id = any ($1)",
            missing.Select(item => item.Event.Stream).Distinct().ToArray()
        );
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var versions = new Dictionary<Guid, long>();
        while (await row.ReadAsync(cancellation))
            versions.Add(row.GetGuid(0), row.GetInt64(1));
        return versions;
    }

    private async Task FetchKeysAsync(List<(long Line, ExportedEvent Event)> missing, CancellationToken cancellation)
    {
        foreach (var (_, e) in missing)
            await store.Personal.FetchKeysAsync(e.Data, cancellation);
    }

    private async IAsyncEnumerable<IEvent> EventsAsync(
        List<(long Line, ExportedEvent Event)> missing,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation
    )
    {
        foreach (var (_, e) in missing)
        {
            var stored = store.Documents.Events.BuildEvent(e.Data);
            (stored.Id, stored.StreamId, stored.Version, stored.Sequence) = (e.Id, e.Stream, e.Version, e.Position);
            (stored.Timestamp, stored.IsArchived) = (e.RecordedAt, e.IsArchived);
            await e.Metadata.WriteAsync(stored, store.Personal, cancellation);
            yield return stored;
        }
    }

    private Task MoveStreamsAsync(
        List<(long Line, ExportedEvent Event)> missing,
        Dictionary<Guid, long> versions,
        CancellationToken cancellation
    )
    {
        var streams = missing.GroupBy(item => item.Event.Stream).Select(group => group.Last().Event).ToList();
        return ExecuteAsync(
            """
            update mt_streams s set version = n.version, is_archived = n.archived, "timestamp" = n.at
            from unnest($1, $2, $3, $4) as n (id, version, archived, at) where s.id = n.id
            """,
            cancellation,
            streams.Select(e => e.Stream).ToArray(),
            streams.Select(e => versions[e.Stream]).ToArray(),
            streams.Select(e => e.IsArchived).ToArray(),
            streams.Select(e => e.RecordedAt.UtcDateTime).ToArray()
        );
    }

    /// <summary>
    /// Puts the relay behind what was imported: the store that wrote it published it in a way of its own.
    /// </summary>
    private Task PassRelayAsync(CancellationToken cancellation) =>
        ExecuteAsync(
            """
            insert into mt_event_progression (name, last_seq_id) select $1, $2 where $2 > 0
            on conflict (name) do update set last_seq_id = greatest(mt_event_progression.last_seq_id, $2)
            """,
            cancellation,
            $"{Relay.KafkaRelay.ReaderName}:All",
            last
        );

    private async Task ExecuteAsync(string sql, CancellationToken cancellation, params object?[] values)
    {
        await using var command = store.Source.Command(sql, values);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}

/// <summary>Events that an import stored, and those that were there already.</summary>
public readonly record struct ImportedCount(long Imported, long Present);

/// <summary>A line of an export cannot be imported. <see cref="Line"/> counts from 1.</summary>
public sealed class ImportException(long line, string why) : Exception($"Line {line}: {why}.")
{
    public long Line { get; } = line;
}
