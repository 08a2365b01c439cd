using EventStream.EventStore.Postgres;
using JasperFx.Events.Daemon;

namespace EventStream.EventStore.Tools;

/// <summary>
/// Which processes run the readers of a store, by the advisory locks that Marten's daemon holds for each reader.
/// </summary>
public sealed class ReaderLocks(OpenStore store)
{
    /// <summary>The owner of each reader that runs: the address and process id of its connection.</summary>
    public async Task<IReadOnlyDictionary<string, string>> HeldAsync(CancellationToken cancellation)
    {
        var projections = store.Documents.Options.Projections;
        var names = projections
            .AllShards()
            .Select(shard => shard.Name)
            .ToDictionary(
                name =>
                    (long)
                        ProjectionLockIds.Compute(
                            store.Documents.Options.Events.DatabaseSchemaName,
                            name,
                            projections.DaemonLockId
                        ),
                name => name.Identity
            );
        await using var command = store.Source.Command(
            """
            select (l.classid::bigint << 32) | l.objid::bigint, coalesce(host(a.client_addr), 'local'), l.pid
            from pg_locks l join pg_stat_activity a using (pid)
            where l.locktype = 'advisory' and l.granted and ((l.classid::bigint << 32) | l.objid::bigint) = any ($1)
                and l.database = (select oid from pg_database where datname = current_database())
            """,
            names.Keys.ToArray()
        );
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var held = new SortedDictionary<string, string>(StringComparer.Ordinal);
        while (await row.ReadAsync(cancellation))
            held[names[row.GetInt64(0)]] = $"{row.GetString(1)}, connection {row.GetInt32(2)}";
        return held;
    }
}

/// <summary>A process runs readers of a store, which what was asked for cannot bear.</summary>
public sealed class LiveReadersException(string service, IReadOnlyDictionary<string, string> held, string verb)
    : Exception(
        $"The role '{service}' runs ({string.Join("; ", held.Select(pair => $"{pair.Key} at {pair.Value}"))}): "
            + $"stop it before `eventstream store {verb}`, then run this again."
    );
