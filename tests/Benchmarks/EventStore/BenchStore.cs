using System.Text;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Privacy;
using EventStream.Processes.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace EventStream.Benchmarks.EventStore;

/// <summary>
/// A PostgreSQL with fsync on, a store in it, and beside the store the tables and prepared statements of one who writes
/// events by hand: the same columns and the same uniqueness, no partitions, no function, nothing optional.
/// </summary>
internal sealed class BenchStore : IAsyncDisposable
{
    private const string RawTables =
        """
        create table raw_streams (id text collate "C" primary key, version bigint not null) with (fillfactor = 70);
        create table raw_events (
            position bigint generated always as identity primary key, stream text collate "C" not null,
            version bigint not null, id uuid not null unique, name text not null, data jsonb not null,
            metadata jsonb not null, recorded_at timestamptz not null default clock_timestamp(),
            unique (stream, version))
        """;

    private const string RawStart = "insert into raw_streams (id, version) values ($1, $2)";
    private const string RawAppend = "update raw_streams set version = $2 where id = $1 and version = $3";
    private const string RawEvent =
        "insert into raw_events (stream, version, id, name, data, metadata) values ($1, $2, $3, $4, $5::jsonb, '{}')";

    private readonly string folder;
    private readonly PostgresCluster cluster;
    private readonly AppendSignal signal;

    private BenchStore(string folder, PostgresCluster cluster, PostgresOptions options)
    {
        (this.folder, this.cluster) = (folder, cluster);
        Source = options.CreateDataSource();
        signal = new AppendSignal(Source, options.Schema, NullLogger<AppendSignal>.Instance);
        Store = Open(new StoreOptions { MasterKey = options.MasterKey });
        Options = options;
    }

    public NpgsqlDataSource Source { get; }

    public PostgresOptions Options { get; }

    public PostgresEventStore Store { get; }

    public static async Task<BenchStore> StartAsync()
    {
        var root = Directory.CreateTempSubdirectory("eventstream-bench-pg").FullName;
        var server = await PostgresCluster.StartAsync(root, FreePort(), CancellationToken.None);
        var bench = new BenchStore(root, server, new PostgresOptions
        {
            ConnectionString = server.ConnectionString,
            Schema = "bench",
            MasterKey = MasterKey.Ephemeral(),
        });
        await new Migrator(bench.Source, "bench").ApplyAsync(
            "store", typeof(IEventStore).Assembly, "EventStore.Sql", CancellationToken.None);
        await bench.ExecuteAsync(RawTables);
        return bench;
    }

    /// <summary>Another store on the same tables.</summary>
    public PostgresEventStore Open(StoreOptions options) => new(Source, new HighWater(Source), signal, options);

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>
    /// Appends by hand what the store appends: the row of the stream and the events, in one transaction and one round
    /// trip.
    /// </summary>
    public async Task InsertAsync(string stream, long expected, IReadOnlyList<NewEvent> events)
    {
        await using var connection = await Source.OpenConnectionAsync();
        await using var batch = new NpgsqlBatch(connection);
        var row = new NpgsqlBatchCommand(expected == 0 ? RawStart : RawAppend);
        row.Parameters.Add(new NpgsqlParameter<string> { TypedValue = stream });
        row.Parameters.Add(new NpgsqlParameter<long> { TypedValue = expected + events.Count });
        if (expected > 0) row.Parameters.Add(new NpgsqlParameter<long> { TypedValue = expected });
        batch.BatchCommands.Add(row);
        for (var i = 0; i < events.Count; i++)
        {
            var insert = new NpgsqlBatchCommand(RawEvent);
            insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = stream });
            insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = expected + i + 1 });
            insert.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = events[i].Id });
            insert.Parameters.Add(new NpgsqlParameter<string>
            {
                TypedValue = MessageTypes.NameOf(events[i].Data.GetType()),
            });
            insert.Parameters.Add(new NpgsqlParameter<string>
            {
                TypedValue = Encoding.UTF8.GetString(MessageTypes.Write(events[i].Data)),
            });
            batch.BatchCommands.Add(insert);
        }

        // Without a transaction of its own a batch is one.
        await batch.ExecuteNonQueryAsync();
    }

    /// <inheritdoc cref="CpuClock.Seconds"/>
    public double CpuSeconds() => CpuClock.Seconds(folder);

    public async ValueTask DisposeAsync()
    {
        Store.Dispose();
        signal.Dispose();
        await Source.DisposeAsync();
        await cluster.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    private static int FreePort()
    {
        using var probe = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        probe.Start();
        return ((System.Net.IPEndPoint)probe.LocalEndpoint).Port;
    }
}
