using EventStream.EventStore.Postgres;
using EventStream.EventStore.Readers;
using EventStream.EventStore.Relay;
using EventStream.EventStore.Upcasting;
using EventStream.Messaging.Hosting;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStream.EventStore;

/// <summary>Puts the event store into a role.</summary>
public static class EventStoreRegistration
{
    /// <summary>
    /// Registers <see cref="IEventStore"/> on PostgreSQL with its pool, its schema migration at start, its wake-up
    /// signal and its readiness check. Throws <see cref="RoleConfigurationException"/> when <c>Postgres:*</c> is
    /// missing or wrong.
    /// </summary>
    public static IServiceCollection AddEventStore(
        this IServiceCollection services, IConfiguration configuration, string role)
    {
        var options = PostgresOptions.From(configuration, role);
        services.AddSingleton(options);
        services.AddSingleton(_ => options.CreateDataSource());
        services.AddSingleton(p => new Migrator(p.GetRequiredService<NpgsqlDataSource>(), options.Schema));
        services.AddMigration("store", typeof(EventStoreRegistration).Assembly, "EventStore.Sql");
        services.AddSingleton<HighWater>();
        services.AddSingleton(p => new AppendSignal(
            p.GetRequiredService<NpgsqlDataSource>(), options.Schema, p.GetRequiredService<ILogger<AppendSignal>>()));
        services.AddHostedService(p => p.GetRequiredService<AppendSignal>());
        services.AddSingleton(p => new StoreOptions
        {
            MasterKey = options.MasterKey,
            Time = p.GetRequiredService<TimeProvider>(),
            Upcasters = p.GetServices<Upcasters>().SingleOrDefault() ?? Upcasters.None,
            Inline = [.. p.GetServices<IInlineProjection>()],
        });
        services.AddSingleton<PostgresEventStore>();
        services.AddSingleton<IEventStore>(p => p.GetRequiredService<PostgresEventStore>());
        services.AddReadiness("postgres", async (provider, cancellation) =>
        {
            await using var command = provider.GetRequiredService<NpgsqlDataSource>().CreateCommand("select 1");
            await command.ExecuteScalarAsync(cancellation);
            return null;
        });
        return services;
    }

    /// <summary>Applies the numbered SQL files of a room at start, after those registered before it.</summary>
    public static IServiceCollection AddMigration(
        this IServiceCollection services, string module, System.Reflection.Assembly assembly, string folder) =>
        services.AddSingleton<Microsoft.Extensions.Hosting.IHostedService>(p => new MigrateAtStart(
            p.GetRequiredService<Migrator>(), module, assembly, folder, p.GetRequiredService<TimeProvider>(),
            p.GetRequiredService<ILogger<MigrateAtStart>>()));

    /// <summary>
    /// Registers a reader of the whole store, a projection for example, and a readiness check of its name.
    /// </summary>
    public static IServiceCollection AddStoreReader<TReader>(
        this IServiceCollection services, Func<IServiceProvider, ReaderServices, TReader> create)
        where TReader : StoreReader
    {
        services.AddSingleton(p => create(p, ActivatorUtilities.CreateInstance<ReaderServices>(p)));
        services.AddHostedService(p => p.GetRequiredService<TReader>());
        return services.AddReadiness(
            typeof(TReader).Name, (p, _) => Task.FromResult(p.GetRequiredService<TReader>().Trouble));
    }

    /// <summary>Registers the relay to Kafka with its routes. The topics must exist: add them before.</summary>
    public static IServiceCollection AddEventRelay(this IServiceCollection services, params RelayRoute[] routes) =>
        services.AddStoreReader((p, reader) => new EventRelay(p.GetRequiredService<IEventPublisher>(), routes, reader));

    /// <summary>Registers the repository of an aggregate.</summary>
    public static IServiceCollection AddAggregate<TState>(this IServiceCollection services, Aggregate<TState> aggregate)
    {
        services.AddSingleton(aggregate);
        services.AddSingleton<Repository<TState>>();
        return services;
    }
}
