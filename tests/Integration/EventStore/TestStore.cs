using EventStream.EventStore;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Privacy;
using EventStream.Messaging.Kafka;
using Marten;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStream.Integration.Tests.EventStore;

/// <summary>
/// One process's view of a service's store, on the real PostgreSQL. Several on the same options are several processes.
/// </summary>
internal sealed class TestStore : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly ServiceProvider services;
    private readonly List<IHostedService> running = [];

    private TestStore(PostgresOptions options, ServiceStore store, string? bootstrap, bool withDaemon)
    {
        Options = options;
        var collection = new ServiceCollection().AddLogging(logs => logs.SetMinimumLevel(LogLevel.Warning));
        collection.AddSingleton(new KafkaOptions { Bootstrap = bootstrap ?? "127.0.0.1:1" });
        if (bootstrap is null)
            store = store with { Relay = null };
        services = collection.AddServiceStore(options, store, withDaemon).BuildServiceProvider();
    }

    public PostgresOptions Options { get; }

    public IDocumentStore Documents => services.GetRequiredService<IDocumentStore>();

    public NpgsqlDataSource Source => services.GetRequiredService<NpgsqlDataSource>();

    public PersonalData Personal => services.GetRequiredService<PersonalData>();

    public StoreStatus Status => services.GetRequiredService<StoreStatus>();

    public StoreMigration Migration => services.GetRequiredService<StoreMigration>();

    public StoreHealth Health => services.GetRequiredService<StoreHealth>();

    public T Get<T>()
        where T : notnull => services.GetRequiredService<T>();

    /// <summary>A new schema of this name, migrated; without a daemon nothing is projected or relayed.</summary>
    public static async Task<TestStore> StartAsync(
        string name,
        ServiceStore store,
        string? bootstrap = null,
        bool withDaemon = false
    ) => await OpenAsync(await PostgresFixture.OptionsAsync(name), store, bootstrap, withDaemon);

    /// <summary>Another process on the same schema.</summary>
    public static async Task<TestStore> OpenAsync(
        PostgresOptions options,
        ServiceStore store,
        string? bootstrap = null,
        bool withDaemon = false
    )
    {
        var opened = new TestStore(options, store, bootstrap, withDaemon);
        foreach (var service in opened.services.GetServices<IHostedService>())
        {
            await service.StartAsync(CancellationToken.None);
            opened.running.Add(service);
        }

        return opened;
    }

    public Decider<TState> Decider<TState>()
        where TState : class, IAggregate<TState>, new() => services.GetRequiredService<Decider<TState>>();

    /// <summary>Waits until a read model or the relay has handled what is stored now.</summary>
    public async Task WaitAsync(string reader)
    {
        using var patience = new CancellationTokenSource(Patience);
        var newest = await Status.NewestAsync(patience.Token);
        while (
            !(await Status.ReadersAsync(patience.Token)).Any(status =>
                status.Name.StartsWith($"{reader}:", StringComparison.Ordinal) && status.Position >= newest
            )
        )
            await Task.Delay(TimeSpan.FromMilliseconds(10), patience.Token);
    }

    /// <summary>Rows as texts, one a row, in the order of the query.</summary>
    public async Task<List<string>> RowsAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        await using var row = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await row.ReadAsync())
            rows.Add(string.Join('|', Enumerable.Range(0, row.FieldCount).Select(i => row.GetValue(i).ToString())));
        return rows;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var service in running.AsEnumerable().Reverse())
            await service.StopAsync(CancellationToken.None);
        await services.DisposeAsync();
    }
}
