using EventStream.EventStore.Daemon;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Projections;
using EventStream.EventStore.Relay;
using EventStream.EventStore.Upcasting;
using EventStream.Hosting;
using EventStream.Messaging;
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
    /// Registers a projection: async, kept by the daemon of whichever process owns it, or inline, written by every
    /// append
    /// of this process (so every process that appends to its streams registers it).
    /// </summary>
    public static IServiceCollection AddProjection(
        this IServiceCollection services, Projection projection,
        ProjectionLifecycle lifecycle = ProjectionLifecycle.Async)
    {
        services.AddDaemon().Add(projection, lifecycle);
        if (lifecycle == ProjectionLifecycle.Inline)
            services.AddSingleton<IInlineProjection>(
                p => new InlineProjection(projection, p.GetRequiredService<PostgresOptions>().Schema));
        return services;
    }

    /// <summary>Registers a read model in the memory of this process; the role is not ready until it has caught
    /// up.</summary>
    public static IServiceCollection AddMemoryProjection<TModel>(this IServiceCollection services)
        where TModel : MemoryProjection
    {
        services.AddDaemon();
        services.AddSingleton<TModel>();
        services.AddSingleton<MemoryProjection>(p => p.GetRequiredService<TModel>());
        return services.AddReadiness(typeof(TModel).Name, (p, _) => Task.FromResult(
            p.GetRequiredService<TModel>().CaughtUp ? null : "it is being read from the event store"));
    }

    /// <summary>Registers the relay to Kafka with its routes. The topics must exist: add them before.</summary>
    public static IServiceCollection AddEventRelay(this IServiceCollection services, params RelayRoute[] routes)
    {
        services.AddDaemon();
        return services.AddSingleton<Subscription>(p => new EventRelay(
            p.GetRequiredService<KafkaOptions>(), routes, p.GetRequiredService<DaemonServices>(),
            $"/eventstream/{p.GetRequiredService<IRole>().Name}"));
    }

    /// <summary>The plan of the role's daemon; the first call registers the daemon and its readiness check.</summary>
    private static DaemonPlan AddDaemon(this IServiceCollection services)
    {
        if (services.FirstOrDefault(s => s.ServiceType == typeof(DaemonPlan))
            ?.ImplementationInstance is DaemonPlan known)
            return known;
        var plan = new DaemonPlan();
        services.AddSingleton(plan);
        services.AddSingleton<DaemonServices>();
        services.AddSingleton<StoreReaders>();
        services.AddSingleton<ProjectionDaemon>();
        services.AddHostedService(p => p.GetRequiredService<ProjectionDaemon>());
        services.AddReadiness("daemon", (p, _) => Task.FromResult(p.GetRequiredService<ProjectionDaemon>().Trouble));
        return plan;
    }

    /// <summary>Registers the repository of an aggregate.</summary>
    public static IServiceCollection AddAggregate<TState>(this IServiceCollection services, Aggregate<TState> aggregate)
    {
        services.AddSingleton(aggregate);
        services.AddSingleton<Repository<TState>>();
        return services;
    }
}
