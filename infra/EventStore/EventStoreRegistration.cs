using EventStream.EventStore.Postgres;
using EventStream.Messaging.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStream.EventStore;

/// <summary>Puts the event store into a role.</summary>
public static class EventStoreRegistration
{
    /// <summary>
    /// Registers <see cref="IEventStore"/> on PostgreSQL with its pool, its schema migration at start, its wake-up signal and its
    /// readiness check. Throws <see cref="RoleConfigurationException"/> when <c>Postgres:*</c> is missing or wrong.
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
        services.AddSingleton<IEventStore, PostgresEventStore>();
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

    /// <summary>Registers the repository of an aggregate.</summary>
    public static IServiceCollection AddAggregate<TState>(this IServiceCollection services, Aggregate<TState> aggregate)
    {
        services.AddSingleton(aggregate);
        services.AddSingleton<Repository<TState>>();
        return services;
    }
}
