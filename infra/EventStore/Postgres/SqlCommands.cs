using Npgsql;

namespace EventStream.EventStore.Postgres;

/// <summary>Commands whose parameters are <c>$1</c>, <c>$2</c> and so on.</summary>
public static class SqlCommands
{
    /// <summary>A command on a connection of the pool.</summary>
    public static NpgsqlCommand Command(this NpgsqlDataSource source, string sql, params object?[] values) =>
        source.CreateCommand(sql).With(values);

    /// <summary>Executes on a connection of the pool; returns how many rows were touched.</summary>
    public static async Task<int> ExecuteAsync(
        this NpgsqlDataSource source,
        string sql,
        CancellationToken cancellation,
        params object?[] values
    )
    {
        await using var command = source.Command(sql, values);
        return await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Adds the parameters. Times are given in UTC, as PostgreSQL's driver takes no others.</summary>
    public static NpgsqlCommand With(this NpgsqlCommand command, params object?[] values)
    {
        foreach (var value in values)
            command.Parameters.Add(
                new() { Value = value is DateTimeOffset time ? time.ToUniversalTime() : value ?? DBNull.Value }
            );
        return command;
    }
}
