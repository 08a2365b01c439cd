using EventStream.EventStore.Postgres;
using EventStream.EventStore.Projections;
using Npgsql;

namespace EventStream.EventStore.Daemon;

/// <summary>A generation of a projection as the table <c>projections</c> has it.</summary>
public sealed record ProjectionGeneration(
    string Name, int Generation, int Version, ProjectionLifecycle Lifecycle, bool Live, int Shards)
{
    internal IEnumerable<ShardName> ShardNames => ShardName.Of(Name, Generation, Shards);
}

/// <summary>
/// Knows which generations of which projections there are, creates and replaces their tables. Every change of a
/// generation's state goes through here.
/// </summary>
internal sealed class ProjectionRegistry(NpgsqlDataSource source, PostgresOptions options)
{
    /// <summary>How long a switch waits for readers of the old tables before it lets them go first.</summary>
    private const string SwitchLockTimeout = "set local lock_timeout = '2s'";

    public SwitchLock LockOf(string projection) => new(options.Schema, projection);

    public async Task<List<ProjectionGeneration>> ReadAsync(CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(
            "select name, generation, version, lifecycle, state, shards from projections order by name, generation");
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var all = new List<ProjectionGeneration>();
        while (await row.ReadAsync(cancellation))
        {
            all.Add(new(
                row.GetString(0), row.GetInt32(1), row.GetInt32(2),
                row.GetString(3) == "inline" ? ProjectionLifecycle.Inline : ProjectionLifecycle.Async,
                row.GetString(4) == "live", row.GetInt32(5)));
        }

        return all;
    }

    /// <summary>
    /// Gives a projection that is new here its first tables. An inline one that comes to a store with events is noted
    /// as version 0, so that a rebuild brings it what it missed.
    /// </summary>
    public async Task EnsureAsync(Projection projection, ProjectionLifecycle lifecycle, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await LockAsync(connection, projection.Name, cancellation);
        await using var known = new NpgsqlCommand("select 1 from projections where name = $1", connection)
        {
            Parameters = { new() { Value = projection.Name } },
        };
        if (await known.ExecuteScalarAsync(cancellation) is not null) return;
        await LockOf(projection.Name).TakeAsync(connection, cancellation);
        await using var any = new NpgsqlCommand("select exists (select from events)", connection);
        var missed = lifecycle == ProjectionLifecycle.Inline && await any.ExecuteScalarAsync(cancellation) is true;
        await CreateAsync(connection, projection, 1, cancellation);
        await RenameAsync(connection, projection, 1, cancellation);
        await ExecuteAsync(
            connection,
            """
            insert into projections (name, generation, version, lifecycle, state, shards, live_since)
            values ($1, 1, $2, $3, 'live', $4, clock_timestamp())
            """,
            cancellation, projection.Name, missed ? 0 : projection.Version, Word(lifecycle), projection.Shards);
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>
    /// The generation that is being built, with its tables: the one that an earlier attempt left, or a new one.
    /// </summary>
    public async Task<ProjectionGeneration> BuildingAsync(
        Projection projection, ProjectionLifecycle lifecycle, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await LockAsync(connection, projection.Name, cancellation);
        var all = (await ReadAsync(cancellation)).Where(g => g.Name == projection.Name).ToList();
        if (all.Find(g => !g.Live) is { } begun)
        {
            if (begun.Version == projection.Version && begun.Shards == projection.Shards
                && begun.Lifecycle == lifecycle) return begun;
            await DropAsync(connection, projection, projection.TableOf(begun.Generation), cancellation);
            await ForgetAsync(connection, begun, cancellation);
        }

        var next = new ProjectionGeneration(
            projection.Name, all.Count == 0 ? 1 : all.Max(g => g.Generation) + 1, projection.Version, lifecycle, false,
            projection.Shards);
        await CreateAsync(connection, projection, next.Generation, cancellation);
        await ExecuteAsync(
            connection,
            """
            insert into projections (name, generation, version, lifecycle, state, shards)
            values ($1, $2, $3, $4, 'building', $5)
            """,
            cancellation, next.Name, next.Generation, next.Version, Word(lifecycle), next.Shards);
        await transaction.CommitAsync(cancellation);
        return next;
    }

    /// <summary>
    /// Puts the built generation in the place of the live one, in the transaction of the connection, whose caller holds
    /// the projection's <see cref="SwitchLock"/>. Readers see the old tables or the new ones, whole.
    /// </summary>
    public async Task SwitchAsync(
        NpgsqlConnection connection, Projection projection, ProjectionGeneration built, CancellationToken cancellation)
    {
        await ExecuteAsync(connection, SwitchLockTimeout, cancellation);
        var live = (await ReadAsync(cancellation)).Find(g => g.Name == projection.Name && g.Live);
        if (live is not null)
        {
            await DropAsync(connection, projection, projection.Table, cancellation);
            await ForgetAsync(connection, live, cancellation);
        }

        await RenameAsync(connection, projection, built.Generation, cancellation);
        await ExecuteAsync(
            connection,
            """
            update projections set state = 'live', live_since = clock_timestamp() where name = $1 and generation = $2
            """,
            cancellation, built.Name, built.Generation);
    }

    /// <summary>
    /// The position that readers of the live tables have seen: that of its checkpoints, or for an inline one that of
    /// the
    /// newest event.
    /// </summary>
    public async Task<long> SeenAsync(ProjectionGeneration live, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(live.Lifecycle == ProjectionLifecycle.Inline
            ? "select coalesce(max(position), 0) from events"
            : "select coalesce(max(position), 0) from checkpoints where reader = any ($1)");
        if (live.Lifecycle == ProjectionLifecycle.Async)
            command.Parameters.Add(new() { Value = live.ShardNames.Select(shard => shard.ToString()).ToArray() });
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>
    /// Takes the checkpoint of a shard that writes the live tables, under the lock of a switch. A generation that was
    /// replaced has none any more: one that began at the first event again would write every event twice. Throws
    /// <see cref="OwnershipLostException"/> where another generation is live.
    /// </summary>
    public async Task<Checkpoint> TakeAsync(
        ProjectionGeneration live, ShardName shard, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await LockOf(live.Name).ShareAsync(connection, cancellation);
        await using var still = new NpgsqlCommand(
            "select 1 from projections where name = $1 and generation = $2 and state = 'live'", connection)
            .With(live.Name).With(live.Generation);
        if (await still.ExecuteScalarAsync(cancellation) is null) throw new OwnershipLostException(shard.ToString());
        var checkpoint = await Checkpoint.TakeAsync(source, connection, shard.ToString(), cancellation);
        await transaction.CommitAsync(cancellation);
        return checkpoint;
    }

    private static string Word(ProjectionLifecycle lifecycle) =>
        lifecycle == ProjectionLifecycle.Inline ? "inline" : "async";

    private Task LockAsync(NpgsqlConnection connection, string projection, CancellationToken cancellation) =>
        ExecuteAsync(
            connection, "select pg_advisory_xact_lock(hashtextextended($1, 0))", cancellation,
            $"projection:{options.Schema}:{projection}");

    private static Task CreateAsync(
        NpgsqlConnection connection, Projection projection, int generation, CancellationToken cancellation) =>
        ExecuteAsync(
            connection,
            projection.Definition.Replace("{table}", projection.TableOf(generation), StringComparison.Ordinal),
            cancellation);

    private static async Task RenameAsync(
        NpgsqlConnection connection, Projection projection, int generation, CancellationToken cancellation)
    {
        foreach (var suffix in projection.TableSuffixes)
        {
            await ExecuteAsync(
                connection,
                $"alter table {projection.TableOf(generation)}{suffix} rename to {projection.Table}{suffix}",
                cancellation);
        }
    }

    private static async Task DropAsync(
        NpgsqlConnection connection, Projection projection, string table, CancellationToken cancellation)
    {
        foreach (var suffix in projection.TableSuffixes.Reverse())
            await ExecuteAsync(connection, $"drop table if exists {table}{suffix}", cancellation);
    }

    private static async Task ForgetAsync(
        NpgsqlConnection connection, ProjectionGeneration generation, CancellationToken cancellation)
    {
        await ExecuteAsync(
            connection, "delete from checkpoints where reader = any ($1)", cancellation,
            (object)generation.ShardNames.Select(shard => shard.ToString()).ToArray());
        await ExecuteAsync(
            connection, "delete from projections where name = $1 and generation = $2", cancellation, generation.Name,
            generation.Generation);
    }

    private static async Task ExecuteAsync(
        NpgsqlConnection connection, string sql, CancellationToken cancellation, params object[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values) command.Parameters.Add(new() { Value = value });
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
