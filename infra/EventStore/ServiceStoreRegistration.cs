using EventStream.EventStore.Postgres;
using EventStream.EventStore.Privacy;
using EventStream.EventStore.Relay;
using EventStream.Hosting;
using EventStream.Messaging;
using JasperFx.Events.Daemon;
using Marten;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStream.EventStore;

/// <summary>Puts the store of a service into a role.</summary>
public static class ServiceStoreRegistration
{
    /// <summary>
    /// Registers everything that a service keeps: Marten on a pool and a schema of its own,
    /// <see cref="Decider{TState}"/> for its aggregates, the daemon with its read models and relay, migration at start,
    /// and readiness. A role with a wrong setting of <c>Postgres:*</c> is not built. The relay's topics must exist: add
    /// them before.
    /// </summary>
    public static IServiceCollection AddServiceStore(
        this IServiceCollection services,
        IConfiguration configuration,
        ServiceStore service
    )
    {
        var postgres = services.AddRoleOptions(
            configuration,
            (settings, errors) => PostgresOptions.Read(settings, errors).ForService(service.Name)
        );
        services.AddServiceStore(postgres, service);
        services.AddReadiness(
            "postgres",
            async (provider, cancellation) =>
            {
                await using var command = provider.GetRequiredService<NpgsqlDataSource>().CreateCommand("select 1");
                await command.ExecuteScalarAsync(cancellation);
                return null;
            }
        );
        return services.AddReadiness(
            "store readers",
            (p, cancellation) => p.GetRequiredService<StoreHealth>().TroubleAsync(cancellation)
        );
    }

    /// <summary>The same on known options, without readiness: for tools and tests.</summary>
    internal static IServiceCollection AddServiceStore(
        this IServiceCollection services,
        PostgresOptions postgres,
        ServiceStore service,
        bool withDaemon = true
    )
    {
        services.TryAddSingleton(TimeProvider.System);
        // At Information Marten logs every page and every check of its readers.
        services.AddLogging(logs => logs.AddFilter(nameof(Marten), LogLevel.Warning));
        services.TryAddSingleton(postgres);
        services.AddSingleton(service);
        services.AddSingleton(_ => postgres.CreateDataSource());
        services.AddSingleton(p => new SubjectKeys(
            postgres.CreateKeysDataSource(),
            postgres.MasterKey,
            p.GetRequiredService<TimeProvider>()
        ));
        services.AddSingleton(p => new PersonalData(p.GetRequiredService<SubjectKeys>()));
        services.AddSingleton<StoreMigration>().AddSingleton<StoreStatus>();
        services.AddSingleton(typeof(Decider<>));
        services.AddHostedService<MigrateStoreAtStart>();
        if (service.Relay is not null)
            services.AddSingleton<KafkaRelay>();
        var marten = services.AddMarten(p => Configure(p, service, postgres)).UseLightweightSessions();
        if (!withDaemon)
            return services;
        marten.AddAsyncDaemon(DaemonMode.HotCold);
        services.AddHostedService<StoppedReaders>();
        return services.AddSingleton<StoreHealth>().AddHostedService(p => p.GetRequiredService<StoreHealth>());
    }

    private static StoreOptions Configure(IServiceProvider provider, ServiceStore service, PostgresOptions postgres)
    {
        var store = MartenSettings.Of(
            service,
            postgres,
            provider.GetRequiredService<NpgsqlDataSource>(),
            provider.GetRequiredService<SubjectKeys>()
        );
        if (provider.GetService<KafkaRelay>() is { } relay)
            store.Projections.Subscribe(relay);
        return store;
    }
}
