using System.Text.Json;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Daemon;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Privacy;
using EventStream.EventStore.Projections;
using EventStream.Processes.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using NpgsqlTypes;

namespace EventStream.Benchmarks;

/// <summary>A store with fsync on a private PostgreSQL, filled by COPY, for benchmarks that read it.</summary>
internal sealed class StoreBench : IAsyncDisposable
{
    private readonly string folder;
    private readonly PostgresCluster cluster;

    private StoreBench(string folder, PostgresCluster cluster, string schema)
    {
        (this.folder, this.cluster) = (folder, cluster);
        Options = new PostgresOptions
        {
            ConnectionString = cluster.ConnectionString,
            Schema = schema,
            MasterKey = MasterKey.Ephemeral(),
        };
        Source = Options.CreateDataSource();
        Signal = new AppendSignal(Source, schema, NullLogger<AppendSignal>.Instance);
        HighWater = new HighWater(Source);
        Store = new PostgresEventStore(Source, HighWater, Signal, new StoreOptions { MasterKey = Options.MasterKey });
        Services = new DaemonServices(
            Store, Source, Options, HighWater, TimeProvider.System, NullLoggerFactory.Instance);
    }

    public PostgresOptions Options { get; }
    public NpgsqlDataSource Source { get; }
    public HighWater HighWater { get; }
    public AppendSignal Signal { get; }
    public PostgresEventStore Store { get; }
    public DaemonServices Services { get; }

    public static async Task<StoreBench> StartAsync(string schema)
    {
        var root = Directory.CreateTempSubdirectory("eventstream-bench-pg").FullName;
        var server = await PostgresCluster.StartAsync(
            root, FreePort(), CancellationToken.None, new PostgresClusterOptions { SharedBuffersMegabytes = 128 });
        var bench = new StoreBench(root, server, schema);
        await new Migrator(bench.Source, schema).ApplyAsync(
            "store", typeof(IEventStore).Assembly, "EventStore.Sql", CancellationToken.None);
        await bench.Signal.StartAsync(CancellationToken.None);
        return bench;
    }

    /// <summary>Fills the store: streams of so many events each, interleaved as concurrent writers leave
    /// them.</summary>
    public async Task FillAsync(int streams, int eventsEach)
    {
        await using var connection = await Source.OpenConnectionAsync();
        await using (var copy = await connection.BeginBinaryImportAsync(
            "copy events (position, stream, version, id, name, data, metadata) from stdin (format binary)"))
        {
            for (var version = 1; version <= eventsEach; version++)
            {
                for (var stream = 0; stream < streams; stream++)
                {
                    await copy.StartRowAsync();
                    await copy.WriteAsync(((version - 1L) * streams) + stream + 1, NpgsqlDbType.Bigint);
                    await copy.WriteAsync($"video-{stream}", NpgsqlDbType.Text);
                    await copy.WriteAsync((long)version, NpgsqlDbType.Bigint);
                    await copy.WriteAsync(Guid.NewGuid(), NpgsqlDbType.Uuid);
                    await copy.WriteAsync("video.registered.v1", NpgsqlDbType.Text);
                    await copy.WriteAsync(MessageTypes.Write(Sample()), NpgsqlDbType.Jsonb);
                    await copy.WriteAsync("{}"u8.ToArray(), NpgsqlDbType.Jsonb);
                }
            }

            await copy.CompleteAsync();
        }

        await ExecuteAsync($"select setval('event_positions', {(long)streams * eventsEach}); analyze events");
    }

    /// <inheritdoc cref="CpuClock.Seconds"/>
    public double CpuSeconds() => CpuClock.Seconds(folder);

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>An event of the usual size: about 330 bytes of JSON.</summary>
    public static VideoRegistered Sample() => new(
        VideoId.New(TimeProvider.System.GetUtcNow()), "a publisher of the usual name",
        "A title of the usual length, which says what the video shows and who made it, in a sentence or so",
        "file-name-as-a-camera-gives-it-20261101-120000.mp4", 22_718_509, TimeProvider.System.GetUtcNow());

    public static int FreePort()
    {
        using var probe = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        probe.Start();
        return ((System.Net.IPEndPoint)probe.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        await Signal.StopAsync(CancellationToken.None);
        Signal.Dispose();
        Store.Dispose();
        await Source.DisposeAsync();
        await cluster.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }
}

/// <summary>The document that the benchmarks fold: how many events a stream has, and the newest title.</summary>
internal sealed record BenchLife(string Title, int Events, long SizeBytes);

/// <summary>One document a stream.</summary>
internal sealed class BenchProjection(string name)
    : SingleStreamProjection<BenchLife>(name, 1, "video", BenchJson.Default.BenchLife)
{
    public static readonly System.Text.Json.Serialization.Metadata.JsonTypeInfo<BenchLife> JsonInfo =
        BenchJson.Default.BenchLife;

    protected override BenchLife Evolve(BenchLife? document, RecordedEvent recorded) => Fold(document, recorded.Data);

    public static BenchLife Fold(BenchLife? document, IEvent data)
    {
        var life = document ?? new("", 0, 0);
        return data is VideoRegistered e
            ? new(e.Title, life.Events + 1, life.SizeBytes + e.SizeBytes) : life with { Events = life.Events + 1 };
    }

    public static byte[] Bytes(BenchLife life) => JsonSerializer.SerializeToUtf8Bytes(life, JsonInfo);
}

[System.Text.Json.Serialization.JsonSerializable(typeof(BenchLife))]
internal sealed partial class BenchJson : System.Text.Json.Serialization.JsonSerializerContext;
