using EventStream.EventStore.Postgres;
using Npgsql;

namespace EventStream.EventStore.Daemon;

/// <summary>
/// One reader of the store as its tables have it: a shard of a projection, or another subscription. Lag counts
/// positions
/// to the last one drawn.
/// </summary>
public sealed record ReaderStatus(
    string Reader, long Position, long Lag, bool Paused, string? Stopped, int Errors, DateTimeOffset UpdatedAt);

/// <summary>
/// Looks at the readers of a store and moves them, from any process: waiting until one has caught up, pausing,
/// resuming,
/// rewinding.
/// </summary>
public sealed class StoreReaders(NpgsqlDataSource source, PostgresOptions options, TimeProvider time)
{
    private static readonly TimeSpan AskInterval = TimeSpan.FromMilliseconds(10);

    /// <summary>Every reader, by name.</summary>
    public async Task<IReadOnlyList<ReaderStatus>> ListAsync(CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(
            """
            select c.reader, c.position, greatest(0, p.last - c.position), c.paused, c.stopped,
                (select count(*)::int from projection_errors e where e.reader = c.reader), c.updated_at
            from checkpoints c,
                (select case when is_called then last_value else 0 end as last from event_positions) p
            order by c.reader
            """);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var all = new List<ReaderStatus>();
        while (await row.ReadAsync(cancellation))
        {
            all.Add(new(
                row.GetString(0), row.GetInt64(1), row.GetInt64(2), row.GetBoolean(3),
                row.IsDBNull(4) ? null : row.GetString(4), row.GetInt32(5), row.GetFieldValue<DateTimeOffset>(6)));
        }

        return all;
    }

    /// <summary>The generations of every projection.</summary>
    public async Task<IReadOnlyList<ProjectionGeneration>> GenerationsAsync(CancellationToken cancellation) =>
        await new ProjectionRegistry(source, options).ReadAsync(cancellation);

    /// <summary>
    /// Returns when a projection, or another reader, has handled everything that was appended before the call: what one
    /// wrote can then be read. Throws <see cref="StaleProjectionException"/> after the time and
    /// <see cref="ProjectionStoppedException"/> where it stands before an event that it cannot apply.
    /// </summary>
    public async Task WaitForNonStaleAsync(string name, TimeSpan timeout, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(
            "select case when is_called then last_value else 0 end from event_positions");
        await WaitForPositionAsync(
            name, (long)(await command.ExecuteScalarAsync(cancellation))!, timeout, cancellation);
    }

    /// <summary>
    /// The same up to one position, such as that of an append. An inline projection is never behind.
    /// </summary>
    public async Task WaitForPositionAsync(
        string name, long position, TimeSpan timeout, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            var (found, reached, resting) = await ReachedAsync(name, cancellation);
            if (found && reached >= position) return;
            if (resting is { Length: > 0 }) throw new ProjectionStoppedException(name, resting);
            if (time.GetElapsedTime(started) >= timeout)
                throw new StaleProjectionException(name, found ? reached : null, position, resting is not null);
            await Task.Delay(AskInterval, time, cancellation);
        }
    }

    /// <summary>
    /// Makes a reader rest; its owner, whoever it is, ends within <see cref="ProjectionDaemon.StandbyInterval"/>.
    /// Returns how many checkpoints it has; 0 where there is no such reader.
    /// </summary>
    public Task<int> PauseAsync(string name, CancellationToken cancellation) =>
        ExecuteAsync($"update checkpoints set paused = true where {OfName}", name, cancellation);

    /// <summary>Makes a reader that is paused, or was stopped by an event, go on.</summary>
    public Task<int> ResumeAsync(string name, CancellationToken cancellation) =>
        ExecuteAsync($"update checkpoints set paused = false, stopped = null where {OfName}", name, cancellation);

    /// <summary>
    /// Puts a paused subscription back so that it handles events after a position again. Rows of a projection would
    /// count events twice: those are rebuilt. Returns 0 where no paused reader has the name.
    /// </summary>
    public async Task<int> RewindAsync(string name, long position, CancellationToken cancellation)
    {
        var generations = await GenerationsAsync(cancellation);
        if (generations.Any(g => g.Name == name))
            throw new InvalidOperationException(
                $"'{name}' is a projection: its rows would count events twice. Rebuild it instead.");
        await using var command = source.CreateCommand(
            "update checkpoints set position = least(position, $2), epoch = epoch + 1 where reader = $1 and paused");
        command.Parameters.Add(new() { Value = name });
        command.Parameters.Add(new() { Value = position });
        return await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>A subscription's own name, or the shards of the live generation of a projection.</summary>
    private const string OfName =
        """
        (reader = $1 or exists (select from projections p where p.name = $1 and p.state = 'live'
            and (reader = p.name || ':g' || p.generation or reader like p.name || ':g' || p.generation || ':%')))
        """;

    private async Task<(bool Found, long Reached, string? Resting)> ReachedAsync(
        string name, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(
            $"""
            select count(*), coalesce(min(position), 0),
                max(coalesce(stopped, '')) filter (where paused or stopped is not null),
                (select lifecycle || ':' || shards from projections where name = $1 and state = 'live')
            from checkpoints where {OfName}
            """);
        command.Parameters.Add(new() { Value = name });
        await using var row = await command.ExecuteReaderAsync(cancellation);
        await row.ReadAsync(cancellation);
        var live = row.IsDBNull(3) ? null : row.GetString(3).Split(':');
        if (live is ["inline", _]) return (true, long.MaxValue, null);
        var wanted = live is null ? 1 : int.Parse(live[1], System.Globalization.CultureInfo.InvariantCulture);
        return (row.GetInt64(0) >= wanted, row.GetInt64(1), row.IsDBNull(2) ? null : row.GetString(2));
    }

    private async Task<int> ExecuteAsync(string sql, string name, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(sql);
        command.Parameters.Add(new() { Value = name });
        return await command.ExecuteNonQueryAsync(cancellation);
    }
}

/// <summary>A reader did not get to a position in the time that its caller had.</summary>
public sealed class StaleProjectionException(string name, long? reached, long wanted, bool paused)
    : Exception(
        reached is null ? $"'{name}' has not begun to read: no running process has it registered."
            : $"'{name}' is at position {reached}, {wanted} was wanted"
                + (paused ? ": it is paused, resume it." : ": it is behind, or nothing runs it."))
{
    public string Name { get; } = name;

    /// <summary>The position it had reached, or null where it never began.</summary>
    public long? Reached { get; } = reached;
}
