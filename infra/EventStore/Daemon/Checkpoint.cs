using EventStream.EventStore.Postgres;
using Npgsql;

namespace EventStream.EventStore.Daemon;

/// <summary>
/// How far a reader is. Taking it over raises its epoch, so that a former owner that was only slow cannot move it any
/// more.
/// </summary>
/// <remarks>
/// It moves without waiting for the disk: rows and position are one transaction, so a server that loses power loses
/// both
/// and the events come again.
/// </remarks>
public sealed class Checkpoint
{
    private const string Take =
        """
        insert into checkpoints (reader, epoch) values ($1, 1)
        on conflict (reader) do update set epoch = checkpoints.epoch + 1, stopped = null
        returning position, epoch
        """;
    private const string Move =
        """
        update checkpoints set position = $3, updated_at = clock_timestamp()
        where reader = $1 and epoch = $2 and position <= $3
            and set_config('synchronous_commit', 'off', true) is not null
        """;

    private const string Read = "select position from checkpoints where reader = $1 and epoch = $2 for update";

    private readonly NpgsqlDataSource source;
    private readonly long epoch;
    private long position;

    private Checkpoint(NpgsqlDataSource source, string reader, long position, long epoch) =>
        (this.source, Reader, this.position, this.epoch) = (source, reader, position, epoch);

    /// <summary>Whose it is.</summary>
    public string Reader { get; }

    /// <summary>Every event up to this position is handled.</summary>
    public long Position => Volatile.Read(ref position);

    /// <summary>Takes the checkpoint over from whoever had it; a reader that is new has one at position 0.</summary>
    public static async Task<Checkpoint> TakeAsync(
        NpgsqlDataSource source, string reader, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        return await TakeAsync(source, connection, reader, cancellation);
    }

    /// <summary>The same in the transaction of a connection.</summary>
    public static async Task<Checkpoint> TakeAsync(
        NpgsqlDataSource source, NpgsqlConnection connection, string reader, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(Take, connection).With(reader);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        await row.ReadAsync(cancellation);
        return new Checkpoint(source, reader, row.GetInt64(0), row.GetInt64(1));
    }

    /// <summary>
    /// Reads again where it is, after a failure that leaves open whether a transaction was committed. It waits for one
    /// that PostgreSQL is still working on. Throws <see cref="OwnershipLostException"/> when another owner took over.
    /// </summary>
    public async Task ReloadAsync(CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Read).With(Reader).With(epoch);
        Committed(await command.ExecuteScalarAsync(cancellation) as long? ?? throw new OwnershipLostException(Reader));
    }

    /// <summary>
    /// Moves in a transaction of its own. Throws <see cref="OwnershipLostException"/> when another owner took over.
    /// </summary>
    public async Task MoveAsync(long to, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Move);
        await SaveAsync(command, to, cancellation);
        Committed(to);
    }

    /// <summary>
    /// The first statement of a handler's transaction: moves the checkpoint and so keeps out everybody else until the
    /// transaction ends. Call <see cref="Committed"/> after the commit. Throws <see cref="OwnershipLostException"/>
    /// when
    /// another owner took over.
    /// </summary>
    public async Task FenceAsync(NpgsqlConnection connection, long to, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(Move, connection);
        await SaveAsync(command, to, cancellation);
    }

    /// <summary>Says that the transaction of <see cref="FenceAsync"/> was committed.</summary>
    public void Committed(long to) => Volatile.Write(ref position, to);

    private async Task SaveAsync(NpgsqlCommand command, long to, CancellationToken cancellation)
    {
        command.With(Reader).With(epoch).With(to);
        if (await command.ExecuteNonQueryAsync(cancellation) == 0) throw new OwnershipLostException(Reader);
    }

    /// <summary>Notes why the reader stays where it is until a person resumes it.</summary>
    public async Task StopAsync(string why, CancellationToken cancellation)
    {
        await using var command =
            source.CreateCommand("update checkpoints set stopped = $3 where reader = $1 and epoch = $2");
        command.Parameters.Add(new() { Value = Reader });
        command.Parameters.Add(new() { Value = epoch });
        command.Parameters.Add(new() { Value = why });
        if (await command.ExecuteNonQueryAsync(cancellation) == 0) throw new OwnershipLostException(Reader);
    }
}

/// <summary>Another process has become the owner of a reader; this one must begin again, standing by.</summary>
public sealed class OwnershipLostException(string reader) : Exception($"Another process took over '{reader}'.")
{
    public string Reader { get; } = reader;
}
