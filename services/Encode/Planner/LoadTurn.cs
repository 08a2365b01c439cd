using Npgsql;

namespace EventStream.Encode.Planner;

/// <summary>
/// The turn to publish the load: one planner has it at a time, and it goes with its connection. What was not noted as
/// published is published again by the next.
/// </summary>
public sealed class LoadTurn : IAsyncDisposable
{
    private readonly NpgsqlConnection connection;
    private NpgsqlTransaction? transaction;

    private LoadTurn(NpgsqlConnection connection) => this.connection = connection;

    /// <summary>Start of the newest step that was published, or null where none was.</summary>
    public DateTimeOffset? Newest { get; private set; }

    /// <summary>Takes the turn; null where another planner has it.</summary>
    public static async Task<LoadTurn?> TakeAsync(NpgsqlDataSource source, CancellationToken cancellation)
    {
        var turn = new LoadTurn(source.CreateConnection());
        var taken = false;
        try
        {
            taken = await turn.BeginAsync(cancellation);
        }
        finally
        {
            if (!taken)
                await turn.DisposeAsync();
        }

        return taken ? turn : null;
    }

    /// <summary>Notes the step that begins at <paramref name="step"/> as published.</summary>
    public async Task NoteAsync(DateTimeOffset step, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("update load_step set newest = $1", connection, transaction);
        command.Parameters.Add(new() { Value = step });
        await command.ExecuteNonQueryAsync(cancellation);
        await transaction!.CommitAsync(cancellation);
    }

    /// <summary>Ends the turn; what was not committed is as before.</summary>
    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private async Task<bool> BeginAsync(CancellationToken cancellation)
    {
        await connection.OpenAsync(cancellation);
        transaction = await connection.BeginTransactionAsync(cancellation);
        await using var command = new NpgsqlCommand(
            "select newest from load_step for update skip locked",
            connection,
            transaction
        );
        await using var row = await command.ExecuteReaderAsync(cancellation);
        if (!await row.ReadAsync(cancellation))
            return false;
        Newest = await row.IsDBNullAsync(0, cancellation) ? null : row.GetFieldValue<DateTimeOffset>(0);
        return true;
    }
}
