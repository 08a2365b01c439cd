using System.Runtime.InteropServices;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;

namespace EventStream.EventStore.Projections;

/// <summary>
/// Folds a batch in memory, each document once, and writes what changed in one statement. Where it is the only writer
/// it keeps the documents of late, so that a busy one is not read again for every batch.
/// </summary>
internal sealed class DocumentSession<TDocument>(DocumentProjection<TDocument> projection, SessionOptions options)
    : ProjectionSession
    where TDocument : class
{
    /// <summary>The documents kept are at most twice as many.</summary>
    private const int CacheHalfMax = 10_000;

    private readonly RecentEntries<DocumentKey, Document<TDocument>> cache = new(CacheHalfMax);
    private readonly Dictionary<DocumentKey, Document<TDocument>> touched = [];
    private readonly List<(DocumentKey Key, RecordedEvent Recorded)> routed = [];
    private readonly HashSet<DocumentKey> missing = [];
    private readonly List<string> ids = [];

    public override async Task ApplyAsync(
        NpgsqlConnection connection, IReadOnlyList<RecordedEvent> events, CancellationToken cancellation)
    {
        touched.Clear();
        Route(events);
        if (routed.Count == 0) return;
        if (!options.OnlyWriter && !projection.KeepsToStreams) await LockAsync(connection, cancellation);
        if (missing.Count > 0) await LoadAsync(connection, cancellation);
        foreach (var (key, recorded) in routed) Fold(key, recorded);
        await WriteAsync(connection, cancellation);
    }

    public override void Committed()
    {
        if (options.OnlyWriter)
            foreach (var (key, document) in touched) cache.Put(key, document with
            {
                Changed = false,
                Stored = document.Data is not null
            });
        touched.Clear();
    }

    public override void RolledBack()
    {
        touched.Clear();
        cache.Clear();
    }

    private void Route(IReadOnlyList<RecordedEvent> events)
    {
        routed.Clear();
        missing.Clear();
        foreach (var recorded in events)
        {
            ids.Clear();
            try
            {
                projection.Route(recorded, ids);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                throw new BadEventException(recorded, e);
            }

            foreach (var id in ids)
            {
                if (!options.Slice.Owns(id)) continue;
                var key = new DocumentKey(recorded.Tenant, id);
                routed.Add((key, recorded));
                if (touched.ContainsKey(key) || missing.Contains(key)) continue;
                if (cache.TryFind(key, out var known)) touched.Add(key, known);
                else if (projection.IsFirst(recorded)) touched.Add(key, default);
                else missing.Add(key);
            }
        }
    }

    /// <summary>
    /// Appends to several streams that change the same document take turns, also where there is none yet. The keys come
    /// in one order, so that two appends never wait for each other.
    /// </summary>
    private async Task LockAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            """
            select pg_advisory_xact_lock(k) from (
                select distinct hashtextextended($1 || '/' || t || '/' || i, 0) as k
                from unnest($2::text[], $3::text[]) as keys (t, i) order by k) as ordered
            """, connection);
        var keys = missing.Concat(touched.Keys).ToList();
        command.Parameters.Add(new() { Value = options.Table });
        AddKeys(command.Parameters, keys);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private async Task LoadAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            $"""
            select d.tenant, d.id, d.version, d.position, d.data from {options.Table} as d
            join unnest($1::text[], $2::text[]) as k (tenant, id) on d.tenant = k.tenant and d.id = k.id
            """, connection);
        AddKeys(command.Parameters, missing);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        while (await row.ReadAsync(cancellation))
        {
            var data = JsonSerializer.Deserialize(row.GetFieldValue<byte[]>(4), projection.Json);
            touched.Add(
                new(row.GetString(0), row.GetString(1)), new(data, row.GetInt64(2), row.GetInt64(3), false, true));
        }
    }

    private void Fold(DocumentKey key, RecordedEvent recorded)
    {
        ref var document = ref CollectionsMarshal.GetValueRefOrAddDefault(touched, key, out _);
        try
        {
            var next = projection.Next(document.Data, key.Id, recorded);
            // A document that was deleted begins anew, whether it is remembered here or there is just no row of it.
            var version = next is null ? 0 : document.Version + 1;
            document = new(next, version, Math.Max(document.Position, recorded.Position), true, document.Stored);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new BadEventException(recorded, e);
        }
    }

    private async Task WriteAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        // In order of key, so that two inline appends that write the same documents never wait for each other.
        var changed = touched.Where(pair => pair.Value.Changed).OrderBy(pair => pair.Key.Tenant, StringComparer.Ordinal)
            .ThenBy(pair => pair.Key.Id, StringComparer.Ordinal).ToList();
        var kept = changed.Where(pair => pair.Value.Data is not null).ToList();
        var gone = changed.Where(pair => pair.Value is { Data: null, Stored: true }).Select(pair => pair.Key).ToList();
        await using var batch = new NpgsqlBatch(connection);
        if (gone.Count > 0) batch.BatchCommands.Add(Delete(gone));
        if (kept.Count > 0) batch.BatchCommands.Add(Upsert(kept));
        if (batch.BatchCommands.Count > 0) await batch.ExecuteNonQueryAsync(cancellation);
    }

    private NpgsqlBatchCommand Upsert(List<KeyValuePair<DocumentKey, Document<TDocument>>> kept)
    {
        var command = new NpgsqlBatchCommand(
            $"""
            insert into {options.Table} (tenant, id, version, position, data)
            select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::jsonb[])
            on conflict (tenant, id) do update set
                version = excluded.version, position = excluded.position, data = excluded.data
            """);
        AddKeys(command.Parameters, kept.ConvertAll(pair => pair.Key));
        var (versions, positions, data) = (new long[kept.Count], new long[kept.Count], new byte[kept.Count][]);
        for (var i = 0; i < kept.Count; i++)
        {
            var document = kept[i].Value;
            (versions[i], positions[i]) = (document.Version, document.Position);
            data[i] = JsonSerializer.SerializeToUtf8Bytes(document.Data!, projection.Json);
        }

        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = versions });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = positions });
        command.Parameters.Add(new() { Value = data, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb });
        return command;
    }

    private NpgsqlBatchCommand Delete(List<DocumentKey> gone)
    {
        var command = new NpgsqlBatchCommand(
            $"""
            delete from {options.Table} as d using unnest($1::text[], $2::text[]) as k (tenant, id)
            where d.tenant = k.tenant and d.id = k.id
            """);
        AddKeys(command.Parameters, gone);
        return command;
    }

    private static void AddKeys(NpgsqlParameterCollection parameters, IReadOnlyCollection<DocumentKey> keys)
    {
        parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. keys.Select(key => key.Tenant)] });
        parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. keys.Select(key => key.Id)] });
    }
}

/// <summary>Whose document, and which.</summary>
internal readonly record struct DocumentKey(string Tenant, string Id);

/// <summary>
/// A document with the number of events folded into it and the position of the newest. Stored says whether there is a
/// row, Changed whether the row must be written.
/// </summary>
internal readonly record struct Document<TDocument>(
    TDocument? Data, long Version, long Position, bool Changed, bool Stored)
    where TDocument : class;
