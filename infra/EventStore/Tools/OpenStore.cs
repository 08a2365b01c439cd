using EventStream.EventStore.Postgres;
using EventStream.EventStore.Privacy;
using EventStream.Messaging.Kafka;
using Marten;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStream.EventStore.Tools;

/// <summary>
/// The store of a service as a tool sees it: registered as in the service's role, with no daemon, nothing migrated.
/// </summary>
public sealed class OpenStore : IAsyncDisposable
{
    private readonly ServiceProvider provider;

    private OpenStore(ServiceProvider provider, KafkaOptions kafka)
    {
        (this.provider, Kafka) = (provider, kafka);
        Service = provider.GetRequiredService<ServiceStore>();
        Postgres = provider.GetRequiredService<PostgresOptions>();
        Documents = (DocumentStore)provider.GetRequiredService<IDocumentStore>();
        Source = provider.GetRequiredService<NpgsqlDataSource>();
        Personal = provider.GetRequiredService<PersonalData>();
        Migration = provider.GetRequiredService<StoreMigration>();
        Status = provider.GetRequiredService<StoreStatus>();
    }

    public ServiceStore Service { get; }
    public PostgresOptions Postgres { get; }
    public KafkaOptions Kafka { get; }
    public DocumentStore Documents { get; }
    public NpgsqlDataSource Source { get; }
    public PersonalData Personal { get; }
    public StoreMigration Migration { get; }
    public StoreStatus Status { get; }

    /// <summary>Opens no connection yet. <paramref name="postgres"/> is the platform's, not one service's.</summary>
    public static OpenStore Of(ServiceStore service, PostgresOptions postgres, KafkaOptions kafka)
    {
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.None)).AddSingleton(kafka);
        services.AddServiceStore(
            (postgres with { MigrateAtStart = false }).ForService(service.Name),
            service,
            withDaemon: false
        );
        return new OpenStore(services.BuildServiceProvider(), kafka);
    }

    /// <summary>A stored message as a line of an export, personal data revealed.</summary>
    public ExportedEvent Exported(JasperFx.Events.IEvent e) =>
        new(
            e.Sequence,
            Service.Category,
            e.StreamId,
            e.Version,
            e.Id,
            e.Timestamp,
            Personal.MetadataOf(e),
            (Contracts.IMessage)e.Data
        )
        {
            IsArchived = e.IsArchived,
        };

    public ValueTask DisposeAsync() => provider.DisposeAsync();
}
