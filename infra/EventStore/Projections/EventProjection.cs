using Npgsql;

namespace EventStream.EventStore.Projections;

/// <summary>
/// A projection in plain SQL: each event queues statements, which run in order and in one round trip for many events.
/// The form for what the other kinds cannot say; they write a batch faster.
/// </summary>
public abstract class EventProjection(string name, int version) : Projection(name, version)
{
    /// <summary>Queues what an event does. Several shards share out events by their stream.</summary>
    protected abstract void Project(RecordedEvent recorded, SqlStatements sql);

    internal override bool Takes(RecordedEvent recorded) => true;

    internal override ProjectionSession Open(SessionOptions options) => new Session(this, options);

    private sealed class Session(EventProjection projection, SessionOptions options) : ProjectionSession
    {
        public override async Task ApplyAsync(
            NpgsqlConnection connection, IReadOnlyList<RecordedEvent> events, CancellationToken cancellation)
        {
            await using var batch = new NpgsqlBatch(connection);
            var sql = new SqlStatements(batch, options.Table);
            foreach (var recorded in events)
            {
                if (!options.Slice.Owns(recorded.Stream)) continue;
                try
                {
                    projection.Project(recorded, sql);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    throw new BadEventException(recorded, e);
                }

                if (batch.BatchCommands.Count < SqlStatements.RoundTripMax) continue;
                await batch.ExecuteNonQueryAsync(cancellation);
                batch.BatchCommands.Clear();
            }

            if (batch.BatchCommands.Count > 0) await batch.ExecuteNonQueryAsync(cancellation);
        }
    }
}

/// <summary>The statements that events queue.</summary>
public sealed class SqlStatements
{
    /// <summary>Statements of one round trip.</summary>
    internal const int RoundTripMax = 500;

    private readonly NpgsqlBatch batch;
    private readonly string table;

    internal SqlStatements(NpgsqlBatch batch, string table) => (this.batch, this.table) = (batch, table);

    /// <summary>
    /// Queues a statement; <c>{table}</c> in it stands for the projection's table, <c>$1</c> and so on for the values.
    /// </summary>
    public void Queue(string sql, params object?[] values)
    {
        var command = new NpgsqlBatchCommand(sql.Replace("{table}", table, StringComparison.Ordinal));
        foreach (var value in values) command.Parameters.Add(new() { Value = value ?? DBNull.Value });
        batch.BatchCommands.Add(command);
    }
}
