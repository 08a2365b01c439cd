using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Daemon;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Projections;
using EventStream.EventStore.Relay;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace EventStream.Tests.Integration.EventStore;

/// <summary>
/// One process's view of a store: a pool, a store and daemons of its own. Several rigs on the same options are several
/// processes.
/// </summary>
internal sealed class StoreRig : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly List<ProjectionDaemon> daemons = [];

    private StoreRig(PostgresOptions options, IReadOnlyList<Projection> inline)
    {
        Options = options;
        Source = options.CreateDataSource();
        Signal = new AppendSignal(Source, options.Schema, NullLogger<AppendSignal>.Instance);
        HighWater = new HighWater(Source);
        Store = Open(new StoreOptions
        {
            MasterKey = options.MasterKey,
            Inline = [.. inline.Select(projection => new InlineProjection(projection, options.Schema))],
        });
        Services = new DaemonServices(
            Store, Source, options, HighWater, TimeProvider.System, NullLoggerFactory.Instance);
        Readers = new StoreReaders(Source, options, TimeProvider.System);
    }

    public PostgresOptions Options { get; }
    public NpgsqlDataSource Source { get; }
    public HighWater HighWater { get; }
    public AppendSignal Signal { get; }
    public PostgresEventStore Store { get; }
    public DaemonServices Services { get; }
    public StoreReaders Readers { get; }

    /// <summary>A new schema, migrated.</summary>
    public static async Task<StoreRig> StartAsync(string name, params IReadOnlyList<Projection> inline) =>
        await OpenAsync(await PostgresFixture.OptionsAsync(name), inline);

    /// <summary>Another process on the same schema.</summary>
    public static async Task<StoreRig> OpenAsync(PostgresOptions options, params IReadOnlyList<Projection> inline)
    {
        var rig = new StoreRig(options, inline);
        await new Migrator(rig.Source, options.Schema)
            .ApplyAsync("store", typeof(IEventStore).Assembly, "EventStore.Sql", None);
        await rig.Signal.StartAsync(None);
        return rig;
    }

    /// <summary>Another store on the same tables.</summary>
    public PostgresEventStore Open(StoreOptions options) => new(Source, HighWater, Signal, options);

    public async Task<ProjectionDaemon> DaemonAsync(
        DaemonPlan plan, IEnumerable<Subscription>? subscriptions = null,
            IEnumerable<MemoryProjection>? inMemory = null)
    {
        var daemon = new ProjectionDaemon(plan, subscriptions ?? [], inMemory ?? [], Services);
        daemons.Add(daemon);
        await daemon.StartAsync(None);
        return daemon;
    }

    public Task<ProjectionDaemon> RelayAsync(string bootstrap, params RelayRoute[] routes) => DaemonAsync(
        new DaemonPlan(), [new EventRelay(new KafkaOptions { Bootstrap = bootstrap }, routes, Services)]);

    public async Task StopAsync(ProjectionDaemon daemon)
    {
        daemons.Remove(daemon);
        await daemon.StopAsync(None);
        daemon.Dispose();
    }

    public Task RebuildAsync(
        Projection projection, IProgress<RebuildProgress>? progress = null, CancellationToken cancellation = default) =>
        new StoreRebuild(Services).RunAsync(projection, ProjectionLifecycle.Async, progress, cancellation);

    public Task RebuildInlineAsync(Projection projection) =>
        new StoreRebuild(Services).RunAsync(projection, ProjectionLifecycle.Inline, null, None);

    public Task WaitAsync(string projection) => Readers.WaitForNonStaleAsync(projection, Patience, None);

    public Task<AppendResult> AppendAsync(string stream, params IReadOnlyList<IEvent> events) => Store.AppendAsync(
        stream, ExpectedVersion.Any, [.. events.Select(data => new NewEvent(Guid.NewGuid(), data))],
        EventMetadata.None, None);

    /// <summary>Rows as texts, one a row, in the order of the query.</summary>
    public async Task<List<string>> RowsAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        await using var row = await command.ExecuteReaderAsync(None);
        var rows = new List<string>();
        while (await row.ReadAsync(None))
            rows.Add(string.Join('|', Enumerable.Range(0, row.FieldCount).Select(i => row.GetValue(i).ToString())));
        return rows;
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(None);
    }

    public static async Task EventuallyAsync(Func<Task<bool>> condition, Func<string>? describe = null)
    {
        var waited = System.Diagnostics.Stopwatch.StartNew();
        while (!await condition())
        {
            if (waited.Elapsed > Patience) Assert.Fail($"It did not come about in {Patience}: {describe?.Invoke()}");
            await Task.Delay(10);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var daemon in daemons.ToList()) await StopAsync(daemon);
        await Signal.StopAsync(None);
        Signal.Dispose();
        Store.Dispose();
        await Source.DisposeAsync();
    }
}
