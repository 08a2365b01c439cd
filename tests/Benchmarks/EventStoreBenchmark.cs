using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Local;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Privacy;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace EventStream.Benchmarks;

/// <summary>
/// Appends to new streams, one event each, beside a raw insert of the same bytes: both on one PostgreSQL with fsync.
/// </summary>
internal static class EventStoreBenchmark
{
    private const int Appends = 1_000;
    private const int Callers = 8;

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("eventstream-bench-pg").FullName;
        try
        {
            await using var cluster = await PostgresCluster.StartAsync(folder, FreePort(), CancellationToken.None);
            var options = new PostgresOptions
            {
                ConnectionString = cluster.ConnectionString, Schema = "bench", MasterKey = MasterKey.Ephemeral(),
            };
            await using var source = options.CreateDataSource();
            await new Migrator(source, options.Schema).ApplyAsync(
                "store", typeof(IEventStore).Assembly, "EventStore.Sql", CancellationToken.None);
            await using (var create = source.CreateCommand(
                "create table bench.raw (id bigint generated always as identity, stream text, version bigint, data "
                    + "jsonb, "
                + "unique (stream, version))"))
                await create.ExecuteNonQueryAsync();
            using var signal = new AppendSignal(source, options.Schema, NullLogger<AppendSignal>.Instance);
            using var store = new PostgresEventStore(
                source, new HighWater(source), signal, new StoreOptions { MasterKey = options.MasterKey });
            var rates = await Measure.RatesAsync(
                Appends, () => ManyAsync(_ => AppendAsync(store)), () => ManyAsync(_ => InsertAsync(source)));
            return
            [
                Figure.AgainstLimit("event store append, new stream, 8 callers", "events/s", rates[0], rates[1],
                    ">= 0.85"),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Task ManyAsync(Func<int, Task> one) => Parallel.ForEachAsync(
        Enumerable.Range(0, Appends), new ParallelOptions { MaxDegreeOfParallelism = Callers },
        async (i, _) => await one(i));

    private static Task AppendAsync(PostgresEventStore store) => store.AppendAsync(
        $"video-{Guid.NewGuid()}", ExpectedVersion.NoStream, [new NewEvent(Guid.NewGuid(), Sample())],
        EventMetadata.None,
        CancellationToken.None);

    private static async Task InsertAsync(NpgsqlDataSource source)
    {
        await using var command =
            source.CreateCommand("insert into bench.raw (stream, version, data) values ($1, 1, $2::jsonb)");
        command.Parameters.AddWithValue($"video-{Guid.NewGuid()}");
        command.Parameters.AddWithValue(System.Text.Encoding.UTF8.GetString(MessageTypes.Write(Sample())));
        await command.ExecuteNonQueryAsync();
    }

    private static VideoRegistered Sample() => new(
        VideoId.New(TimeProvider.System.GetUtcNow()), "publisher", "A title of the usual length", "file-name.mp4",
            22_718_509,
        TimeProvider.System.GetUtcNow());

    private static int FreePort()
    {
        using var probe = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        probe.Start();
        return ((System.Net.IPEndPoint)probe.LocalEndpoint).Port;
    }
}
