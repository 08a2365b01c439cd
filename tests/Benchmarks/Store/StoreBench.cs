using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Privacy;
using EventStream.EventStore.Relay;
using EventStream.Messaging.Kafka;
using EventStream.Processes.Postgres;
using EventStream.Tests.Kit;
using Marten;
using Marten.Events;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStream.Benchmarks.Store;

/// <summary>What the benchmarks decide on: how many events there are.</summary>
internal sealed record Tally : IAggregate<Tally>
{
    public Guid Id { get; init; }

    public int Count { get; init; }

    public Tally Fold(IMessage message) => this with { Count = Count + 1 };
}

/// <summary>A PostgreSQL with fsync on.</summary>
internal sealed class BenchPostgres : IAsyncDisposable
{
    private readonly string folder;
    private readonly PostgresCluster cluster;

    private BenchPostgres(string folder, PostgresCluster cluster)
    {
        (this.folder, this.cluster) = (folder, cluster);
        Options = new PostgresOptions
        {
            ConnectionString = cluster.ConnectionString,
            Schema = "bench",
            MasterKey = MasterKey.Ephemeral(),
        };
    }

    public PostgresOptions Options { get; }

    public static async Task<BenchPostgres> StartAsync()
    {
        var root = Directory.CreateTempSubdirectory("eventstream-bench-pg").FullName;
        return new BenchPostgres(root, await PostgresCluster.StartAsync(root, FreePort.Next(), CancellationToken.None));
    }

    /// <inheritdoc cref="CpuClock.Seconds"/>
    public double CpuSeconds() => CpuClock.Seconds(folder);

    public async ValueTask DisposeAsync()
    {
        await cluster.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }
}

/// <summary>A service's store, set as a role's is; with Kafka its daemon relays every event to a topic.</summary>
internal sealed class StoreBench : IAsyncDisposable
{
    private readonly ServiceProvider services;
    private readonly List<IHostedService> running = [];

    private StoreBench(PostgresOptions options, KafkaOptions? kafka, Topic? topic)
    {
        var store = new ServiceStore("bench", contents => contents.Aggregate<Tally, Guid>())
        {
            Relay = topic is null ? null : RelayRoutes.All(topic),
        };
        var collection = new ServiceCollection().AddLogging(logs => logs.SetMinimumLevel(LogLevel.None));
        if (kafka is not null)
            collection.AddSingleton(kafka);
        services = collection.AddServiceStore(options, store, withDaemon: topic is not null).BuildServiceProvider();
    }

    public DocumentStore Documents => (DocumentStore)services.GetRequiredService<IDocumentStore>();

    public NpgsqlDataSource Source => services.GetRequiredService<NpgsqlDataSource>();

    public Decider<Tally> Decider => services.GetRequiredService<Decider<Tally>>();

    public StoreStatus Status => services.GetRequiredService<StoreStatus>();

    public static async Task<StoreBench> OpenAsync(
        PostgresOptions options,
        KafkaOptions? kafka = null,
        Topic? topic = null
    )
    {
        var bench = new StoreBench(options, kafka, topic);
        foreach (var service in bench.services.GetServices<IHostedService>())
        {
            await service.StartAsync(CancellationToken.None);
            bench.running.Add(service);
        }

        return bench;
    }

    public async Task StartAsync(Guid stream, IEnumerable<IMessage> events)
    {
        await using var session = Documents.LightweightSession();
        session.Events.StartStream(stream, events.ToArray<object>());
        await session.SaveChangesAsync();
    }

    /// <summary>Streams of so many events each, interleaved as concurrent writers leave them.</summary>
    public async Task FillAsync(int streams, int eventsEach)
    {
        var ids = Enumerable.Range(0, streams).Select(_ => Guid.CreateVersion7()).ToList();
        await Documents.BulkInsertEventStreamAsync(
            JasperFx.StorageConstants.DefaultTenantId,
            [.. ids.Select(id => new BulkEventStreamHeader { Id = id, Version = eventsEach })],
            EventsAsync(),
            BulkEventSequenceMode.AssignFromSequence,
            1000,
            CancellationToken.None
        );

        async IAsyncEnumerable<JasperFx.Events.IEvent> EventsAsync()
        {
            await Task.CompletedTask;
            for (var version = 1; version <= eventsEach; version++)
            {
                foreach (var id in ids)
                {
                    var e = Documents.Events.BuildEvent(Samples.Event());
                    (e.Id, e.StreamId, e.Version, e.Timestamp) = (
                        Guid.NewGuid(),
                        id,
                        version,
                        TimeProvider.System.GetUtcNow()
                    );
                    yield return e;
                }
            }
        }
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var service in running.AsEnumerable().Reverse())
            await service.StopAsync(CancellationToken.None);
        await services.DisposeAsync();
    }
}

/// <summary>Events of the usual size: about 330 bytes of JSON.</summary>
internal static class Samples
{
    public static VideoUploaded Event() =>
        new(
            VideoId.New(TimeProvider.System.GetUtcNow()),
            "sources/0190b5e4-0000-7000-8000-000000000000/source-of-a-video-with-a-name-of-the-usual-length.mp4",
            22_718_509,
            new string('a', 64),
            TimeProvider.System.GetUtcNow()
        );

    public static IEnumerable<IMessage> Events(int count) => Enumerable.Range(0, count).Select(_ => Event());
}
