using Npgsql;

namespace EventStream.EventStore.Readers;

/// <summary>
/// A read model in PostgreSQL that follows the store: rows and checkpoint are written in one transaction, so that
/// each event counts exactly once.
/// </summary>
public abstract class AsyncProjection(string name, ReaderServices services) : StoreReader(name, services)
{
    private readonly NpgsqlDataSource source = services.Source;

    /// <summary>Applies one event to the rows, in the transaction that <paramref name="connection"/> is in.</summary>
    protected abstract Task ApplyAsync(NpgsqlConnection connection, RecordedEvent recorded,
        CancellationToken cancellation);

    protected override async Task HandleAsync(
        IReadOnlyList<RecordedEvent> batch, Checkpoint checkpoint, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        foreach (var recorded in batch) await ApplyAsync(connection, recorded, cancellation);
        await checkpoint.CommitAsync(transaction, batch[^1].Position, cancellation);
    }
}
