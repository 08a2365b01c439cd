using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Daemon;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Projections;
using Npgsql;
using NpgsqlTypes;

namespace EventStream.Benchmarks;

/// <summary>
/// Appends that write a document in their own transaction, one event each to a few hundred streams, beside raw Npgsql
/// that does the same: lock the stream, insert the event, read the document, write it, commit.
/// </summary>
internal static class InlineBenchmark
{
    private const int Appends = 1_000;
    private const int Callers = 8;
    private const int Streams = 200;

    /// <summary>
    /// A third of what Marten 9.29 takes for an inline snapshot with eight sessions on a machine of this kind, client
    /// and server together: 1821 CPU seconds a million events.
    /// </summary>
    private const string ThirdOfMarten = "<= 607 CPU-s/M";

    private static readonly CancellationToken None = CancellationToken.None;

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        await using var bench = await StoreBench.StartAsync("inline");
        await bench.ExecuteAsync(
            """
            create table raw_streams (id text primary key, version bigint);
            create table raw_events (position bigserial primary key, stream text, version bigint, data jsonb,
                unique (stream, version));
            create table raw_docs (id text primary key, version bigint, data jsonb)
            """);
        var projection = new BenchProjection("inline-life");
        using var daemon = new ProjectionDaemon(
            new DaemonPlan().Add(projection, ProjectionLifecycle.Inline), [], [], bench.Services);
        await daemon.StartAsync(None);
        using var store = new PostgresEventStore(bench.Source, bench.HighWater, bench.Signal, new StoreOptions
        {
            MasterKey = bench.Options.MasterKey,
            Inline = [new InlineProjection(projection, bench.Options.Schema)],
        });
        var versions = new long[Streams];
        var cost = await Measure.CostsAsync(
            Measure.Many, Appends, bench.CpuSeconds,
            () => ManyAsync(async i =>
            {
                var stream = i % Streams;
                await store.AppendAsync(
                    $"video-{stream}", ExpectedVersion.Exactly(versions[stream]),
                    [new NewEvent(Guid.NewGuid(), StoreBench.Sample())], EventMetadata.None, None);
                versions[stream]++;
            }),
            () => ManyAsync(i => AppendRawAsync(bench.Source, $"video-{i % Streams}")));
        await daemon.StopAsync(None);
        const string Name = "append with an inline document, 8 callers";
        return
        [
            Figure.AgainstLimit(Name, "events/s", cost[0].Rate, cost[1].Rate, ">= 0.6"),
            Figure.AgainstLimit(
                $"{Name}, CPU", "CPU-s/M", cost[0].CpuPerMillion, cost[1].CpuPerMillion, ThirdOfMarten),
        ];
    }

    private static Task ManyAsync(Func<int, Task> one) => Parallel.ForEachAsync(
        Enumerable.Range(0, Appends), new ParallelOptions { MaxDegreeOfParallelism = Callers },
        async (i, _) => await one(i));

    private static async Task AppendRawAsync(NpgsqlDataSource source, string stream)
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        var sample = StoreBench.Sample();
        await using var append = new NpgsqlCommand(
            """
            with s as (
                insert into raw_streams values ($1, 1)
                on conflict (id) do update set version = raw_streams.version + 1 returning version),
            e as (insert into raw_events (stream, version, data) select $1, version, $2 from s returning version)
            select version from e
            """, connection);
        append.Parameters.Add(new() { Value = stream });
        append.Parameters.Add(new() { Value = MessageTypes.Write(sample), NpgsqlDbType = NpgsqlDbType.Jsonb });
        var version = (long)(await append.ExecuteScalarAsync())!;
        await using var load = new NpgsqlCommand("select data from raw_docs where id = $1", connection);
        load.Parameters.Add(new() { Value = stream });
        var life = await load.ExecuteScalarAsync() is string json
            ? System.Text.Json.JsonSerializer.Deserialize(json, BenchProjection.JsonInfo) : null;
        await using var write = new NpgsqlCommand(
            """
            insert into raw_docs values ($1, $2, $3)
            on conflict (id) do update set version = excluded.version, data = excluded.data
            """, connection);
        write.Parameters.Add(new() { Value = stream });
        write.Parameters.Add(new() { Value = version });
        write.Parameters.Add(new()
        {
            Value = BenchProjection.Bytes(BenchProjection.Fold(life, sample)),
            NpgsqlDbType = NpgsqlDbType.Jsonb,
        });
        await write.ExecuteNonQueryAsync();
        await transaction.CommitAsync();
    }
}
