using EventStream.EventStore.Postgres;
using Npgsql;

namespace EventStream.EventStore.Daemon;

/// <summary>
/// The connection by which a process owns readers: it holds their advisory locks, outside the pool, and hears of
/// appends. The locks live exactly as long as it and die with the process.
/// </summary>
internal sealed class OwnerSession : IAsyncDisposable
{
    private readonly NpgsqlConnection connection;
    private readonly string schema;

    private OwnerSession(NpgsqlConnection connection, string schema) =>
        (this.connection, this.schema) = (connection, schema);

    public static async Task<OwnerSession> OpenAsync(PostgresOptions options, CancellationToken cancellation)
    {
        var builder = new NpgsqlConnectionStringBuilder(options.ConnectionString)
        {
            Pooling = false,
            KeepAlive = 5,
            SearchPath = options.Schema,
            ApplicationName = "eventstream daemon",
        };
        var opened = new NpgsqlConnection(builder.ConnectionString);
        try
        {
            await opened.OpenAsync(cancellation);
            // The server, too, must notice within seconds that this process is gone although nothing told it so:
            // another process waits for the locks.
            await using var prepare = new NpgsqlCommand(
                "set tcp_keepalives_idle = 3; set tcp_keepalives_interval = 1; set tcp_keepalives_count = 3; "
                + $"listen {AppendSignal.ChannelOf(options.Schema)}", opened);
            await prepare.ExecuteNonQueryAsync(cancellation);
            return new OwnerSession(opened, options.Schema);
        }
        catch
        {
            await opened.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whether this process owns the name now.</summary>
    public async Task<bool> TryLockAsync(string name, CancellationToken cancellation) =>
        await ScalarAsync("select pg_try_advisory_lock(hashtextextended($1, 0))", name, cancellation) is true;

    public Task UnlockAsync(string name, CancellationToken cancellation) =>
        ScalarAsync("select pg_advisory_unlock(hashtextextended($1, 0))", name, cancellation);

    /// <summary>Waits until something was appended, at most for a time.</summary>
    public Task WaitAsync(TimeSpan time, CancellationToken cancellation) => connection.WaitAsync(time, cancellation);

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private async Task<object?> ScalarAsync(string sql, string name, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection)
        {
            Parameters = { new() { Value = $"reader:{schema}:{name}" } },
        };
        return await command.ExecuteScalarAsync(cancellation);
    }
}
