using EventStream.Contracts;
using EventStream.EventStore.Daemon;
using EventStream.EventStore.Projections;
using Npgsql;
using NpgsqlTypes;

namespace EventStream.Benchmarks;

/// <summary>
/// Catching up, an async projection and a rebuild over a filled store, each beside raw Npgsql that does the same work:
/// the
/// same pages, the same decoding and folding, the same rows, a transaction a page.
/// </summary>
internal static class ProjectionBenchmark
{
    private const int Streams = 5_000;
    private const int EventsEach = 20;
    private const int Events = Streams * EventsEach;
    private const int PageMax = 2_000;
    private const int Rounds = 7;

    /// <summary>
    /// A third of what the daemon of Marten 9.29 takes for the same on a machine of this kind, client and server
    /// together: 54 CPU seconds a million events.
    /// </summary>
    private const string ThirdOfMarten = "<= 18 CPU-s/M";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly CancellationToken None = CancellationToken.None;

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        await using var bench = await StoreBench.StartAsync("projections");
        await bench.FillAsync(Streams, EventsEach);
        await bench.ExecuteAsync(
            "create table raw_life (id text primary key, version bigint, position bigint, data jsonb); "
            + "create table raw_at (position bigint); insert into raw_at values (0)");
        var turn = 0;
        var cost = await Measure.CostsAsync(
            Rounds, Events, bench.CpuSeconds, () => ReadAsync(bench), () => ReadRawAsync(bench),
            () => FollowAsync(bench, $"life-{turn++}"), () => RebuildAsync(bench), () => ProjectRawAsync(bench));
        IEnumerable<Figure> Beside(string what, int ours, int limit, string aim, string cpuAim) =>
        [
            Figure.AgainstLimit(what, "events/s", cost[ours].Rate, cost[limit].Rate, aim),
            Figure.AgainstLimit(
                $"{what}, CPU", "CPU-s/M", cost[ours].CpuPerMillion, cost[limit].CpuPerMillion, cpuAim),
        ];
        return
        [
            .. Beside("catch-up read", 0, 1, ">= 0.85", ""),
            .. Beside("async projection, one document a stream", 2, 4, ">= 60,000/s", ThirdOfMarten),
            .. Beside("rebuild with switch", 3, 4, ">= 60,000/s", ThirdOfMarten),
        ];
    }

    private static async Task ReadAsync(StoreBench bench)
    {
        var count = 0;
        await foreach (var page in new EventPages(bench.Store, bench.Source).ReadTo(0, Events, PageMax, None))
            count += page.Events.Count;
        Expect(count);
    }

    private static async Task ReadRawAsync(StoreBench bench)
    {
        var count = 0;
        for (var at = 0L; at < Events; at += PageMax)
            await foreach (var _ in PageAsync(bench.Source, at)) count++;
        Expect(count);
    }

    private static async Task FollowAsync(StoreBench bench, string name)
    {
        using var daemon = new ProjectionDaemon(
            new DaemonPlan().Add(new BenchProjection(name)), [], [], bench.Services);
        await daemon.StartAsync(None);
        await new StoreReaders(bench.Source, bench.Options, TimeProvider.System)
            .WaitForNonStaleAsync(name, Patience, None);
        await daemon.StopAsync(None);
    }

    private static Task RebuildAsync(StoreBench bench) => new StoreRebuild(bench.Services).RunAsync(
        new BenchProjection("rebuilt"), ProjectionLifecycle.Async, null, None);

    private static async Task ProjectRawAsync(StoreBench bench)
    {
        await bench.ExecuteAsync("truncate raw_life");
        var known = new Dictionary<string, (BenchLife Life, long Version)>(StringComparer.Ordinal);
        for (var at = 0L; at < Events; at += PageMax)
        {
            var touched = new HashSet<string>(StringComparer.Ordinal);
            await foreach (var (stream, version, data) in PageAsync(bench.Source, at))
            {
                known[stream] = (BenchProjection.Fold(known.GetValueOrDefault(stream).Life, data), version);
                touched.Add(stream);
            }

            await WriteAsync(bench.Source, at + PageMax, [.. touched.Select(id => (id, known[id].Version,
                known[id].Life))]);
        }
    }

    private static async IAsyncEnumerable<(string Stream, long Version, IEvent Data)> PageAsync(
        NpgsqlDataSource source, long at)
    {
        await using var command = source.CreateCommand(
            "select position, stream, version, id, name, data, metadata, recorded_at from events "
            + "where position > $1 order by position limit $2");
        command.Parameters.Add(new() { Value = at });
        command.Parameters.Add(new() { Value = PageMax });
        await using var row = await command.ExecuteReaderAsync();
        while (await row.ReadAsync())
        {
            _ = (row.GetInt64(0), row.GetGuid(3), row.GetFieldValue<byte[]>(6), row.GetDateTime(7));
            yield return (row.GetString(1), row.GetInt64(2),
                (IEvent)MessageTypes.Read(row.GetString(4), row.GetFieldValue<byte[]>(5)));
        }
    }

    private static async Task WriteAsync(
        NpgsqlDataSource source, long at, List<(string Id, long Version, BenchLife Life)> rows)
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new("set local synchronous_commit = off"),
                new("update raw_at set position = $1") { Parameters = { new() { Value = at } } },
                new(
                    """
                    insert into raw_life select * from unnest($1::text[], $2::bigint[], $3::bigint[], $4::jsonb[])
                    on conflict (id) do update set
                        version = excluded.version, position = excluded.position, data = excluded.data
                    """)
                {
                    Parameters =
                    {
                        new() { Value = rows.Select(r => r.Id).ToArray() },
                        new() { Value = rows.Select(r => r.Version).ToArray() },
                        new() { Value = rows.Select(_ => at).ToArray() },
                        new()
                        {
                            Value = rows.Select(r => BenchProjection.Bytes(r.Life)).ToArray(),
                            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb,
                        },
                    },
                },
            },
        };
        await batch.ExecuteNonQueryAsync();
        await transaction.CommitAsync();
    }

    private static void Expect(int count)
    {
        if (count != Events) throw new InvalidOperationException($"{count} of {Events} events were read.");
    }
}
