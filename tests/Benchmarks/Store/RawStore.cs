using System.Text;
using EventStream.Contracts;
using Npgsql;

namespace EventStream.Benchmarks.Store;

/// <summary>
/// The tables and prepared statements of one who writes events by hand: the same columns and the same uniqueness,
/// nothing optional. What it does is the least that any store must do.
/// </summary>
internal sealed class RawStore(NpgsqlDataSource source)
{
    private const string Tables = """
        create table raw_streams (id uuid primary key, version bigint not null) with (fillfactor = 70);
        create table raw_events (
            position bigint generated always as identity primary key, stream uuid not null, version bigint not null,
            id uuid not null unique, name text not null, data jsonb not null, metadata jsonb not null,
            recorded_at timestamptz not null default clock_timestamp(), unique (stream, version))
        """;

    private const string Start = "insert into raw_streams (id, version) values ($1, $2)";
    private const string Move = "update raw_streams set version = $2 where id = $1 and version = $3";
    private const string Insert =
        "insert into raw_events (stream, version, id, name, data, metadata) values ($1, $2, $3, $4, $5::jsonb, '{}')";

    public async Task CreateAsync()
    {
        await using var create = source.CreateCommand(Tables);
        await create.ExecuteNonQueryAsync();
    }

    /// <summary>Reads and parses the events of a stream and returns the state that they make.</summary>
    public async Task<Tally> LoadAsync(Guid stream)
    {
        await using var command = source.CreateCommand(
            "select name, data from raw_events where stream = $1 order by version"
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = stream });
        await using var row = await command.ExecuteReaderAsync();
        var state = new Tally();
        while (await row.ReadAsync())
            state = state.Fold(MessageTypes.Read(row.GetString(0), row.GetFieldValue<byte[]>(1)));
        return state;
    }

    /// <summary>The row of the stream and the events, in one transaction and one round trip.</summary>
    public async Task AppendAsync(Guid stream, long expected, IReadOnlyList<IMessage> events)
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var batch = new NpgsqlBatch(connection);
        var row = new NpgsqlBatchCommand(expected == 0 ? Start : Move);
        row.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = stream });
        row.Parameters.Add(new NpgsqlParameter<long> { TypedValue = expected + events.Count });
        if (expected > 0)
            row.Parameters.Add(new NpgsqlParameter<long> { TypedValue = expected });
        batch.BatchCommands.Add(row);
        for (var i = 0; i < events.Count; i++)
        {
            var insert = new NpgsqlBatchCommand(Insert);
            insert.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = stream });
            insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = expected + i + 1 });
            insert.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Guid.NewGuid() });
            insert.Parameters.Add(
                new NpgsqlParameter<string> { TypedValue = MessageTypes.NameOf(events[i].GetType()) }
            );
            insert.Parameters.Add(
                new NpgsqlParameter<string> { TypedValue = Encoding.UTF8.GetString(MessageTypes.Write(events[i])) }
            );
            batch.BatchCommands.Add(insert);
        }

        // Without a transaction of its own a batch is one.
        await batch.ExecuteNonQueryAsync();
    }
}
