using EventStream.EventStore.Projections;
using Npgsql;

namespace EventStream.EventStore.Daemon;

/// <summary>
/// One shard of a projection as the daemon runs it: rows and checkpoint in one transaction, so that each event counts
/// exactly once.
/// </summary>
internal sealed class ProjectionShard(
    Projection projection, ShardName shard, string table, NpgsqlDataSource source, SwitchLock? hold)
    : Subscription(shard.ToString())
{
    private readonly ProjectionSession session =
        projection.Open(new SessionOptions(table, shard.Slice, OnlyWriter: true));

    public override int BatchMax => projection.BatchMax;

    public override ErrorPolicy OnError => projection.OnError;

    public override bool Takes(RecordedEvent recorded) => projection.Takes(recorded);

    public override async Task HandleAsync(
        IReadOnlyList<RecordedEvent> events, long upTo, Checkpoint checkpoint, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        try
        {
            if (hold is not null) await hold.ShareAsync(connection, cancellation);
            await WriteAsync(connection, events, upTo, checkpoint, cancellation);
            await transaction.CommitAsync(cancellation);
        }
        catch
        {
            session.RolledBack();
            throw;
        }

        session.Committed();
        checkpoint.Committed(upTo);
    }

    /// <summary>
    /// Writes in a transaction that is the caller's. What it keeps in memory takes the commit for granted: where it
    /// does
    /// not come, call <see cref="EndAsync"/>.
    /// </summary>
    public async Task WriteWithinAsync(
        NpgsqlConnection connection, IReadOnlyList<RecordedEvent> events, long upTo, Checkpoint checkpoint,
        CancellationToken cancellation)
    {
        await WriteAsync(connection, events, upTo, checkpoint, cancellation);
        session.Committed();
    }

    /// <summary>The fence is first, so that who may not write finds out before it holds a lock on any row.</summary>
    private async Task WriteAsync(
        NpgsqlConnection connection, IReadOnlyList<RecordedEvent> events, long upTo, Checkpoint checkpoint,
        CancellationToken cancellation)
    {
        await checkpoint.FenceAsync(connection, upTo, cancellation);
        await session.ApplyAsync(connection, events, cancellation);
    }

    public override ValueTask EndAsync()
    {
        session.RolledBack();
        return ValueTask.CompletedTask;
    }
}

/// <summary>
/// What the writers of a projection's live tables share and the one who switches them has alone, each for one
/// transaction.
/// </summary>
internal sealed class SwitchLock(string schema, string projection)
{
    /// <summary>The key of the advisory lock, before it is hashed.</summary>
    public string Key { get; } = $"switch:{schema}:{projection}";

    public Task ShareAsync(NpgsqlConnection connection, CancellationToken cancellation) =>
        ExecuteAsync(connection, "select pg_advisory_xact_lock_shared(hashtextextended($1, 0))", cancellation);

    public Task TakeAsync(NpgsqlConnection connection, CancellationToken cancellation) =>
        ExecuteAsync(connection, "select pg_advisory_xact_lock(hashtextextended($1, 0))", cancellation);

    private async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new() { Value = Key } } };
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
