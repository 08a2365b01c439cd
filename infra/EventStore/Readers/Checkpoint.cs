using Npgsql;

namespace EventStream.EventStore.Readers;

/// <summary>
/// How far a reader is. Taking it over raises its epoch, so that a former owner that was only slow cannot move it any
/// more.
/// </summary>
public sealed class Checkpoint
{
    private readonly NpgsqlDataSource source;
    private readonly string reader;
    private readonly long epoch;

    private Checkpoint(NpgsqlDataSource source, string reader, long position, long epoch) =>
        (this.source, this.reader, Position, this.epoch) = (source, reader, position, epoch);

    /// <summary>The position of the last event handled.</summary>
    public long Position { get; private set; }

    /// <summary>Takes the checkpoint over from whoever had it.</summary>
    public static async Task<Checkpoint> TakeAsync(NpgsqlDataSource source, string reader,
        CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(
            """
            insert into checkpoints (reader, epoch) values ($1, 1)
            on conflict (reader) do update set epoch = checkpoints.epoch + 1
            returning position, epoch
            """);
        command.Parameters.Add(new() { Value = reader });
        await using var row = await command.ExecuteReaderAsync(cancellation);
        await row.ReadAsync(cancellation);
        return new Checkpoint(source, reader, row.GetInt64(0), row.GetInt64(1));
    }

    /// <summary>Moves forward. Throws <see cref="OwnershipLostException"/> when another owner took over.</summary>
    public async Task MoveAsync(long position, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await WriteAsync(connection, position, cancellation);
        Position = position;
    }

    /// <summary>
    /// Moves forward in the transaction of the handler, by committing it: what it wrote and how far it is are kept
    /// together or not at all. Throws <see cref="OwnershipLostException"/> when another owner took over.
    /// </summary>
    public async Task CommitAsync(NpgsqlTransaction transaction, long position, CancellationToken cancellation)
    {
        await WriteAsync(transaction.Connection!, position, cancellation);
        await transaction.CommitAsync(cancellation);
        Position = position;
    }

    private async Task WriteAsync(NpgsqlConnection connection, long position, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            "update checkpoints set position = $3, updated_at = clock_timestamp() where reader = $1 and epoch = $2",
            connection)
        {
            Parameters = { new() { Value = reader }, new() { Value = epoch }, new() { Value = position } },
        };
        if (await command.ExecuteNonQueryAsync(cancellation) == 0) throw new OwnershipLostException(reader);
    }
}

/// <summary>Another process has become the owner of a reader; this one must begin again, standing by.</summary>
public sealed class OwnershipLostException(string reader) : Exception($"Another process took over '{reader}'.")
{
    public string Reader { get; } = reader;
}
