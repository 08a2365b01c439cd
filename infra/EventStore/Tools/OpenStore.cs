using System.Runtime.CompilerServices;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Privacy;
using EventStream.Messaging.Kafka;
using Marten;
using Marten.Events.Archiving;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStream.EventStore.Tools;

/// <summary>
/// The store of a service as a tool sees it: registered as in the service's role, with no daemon, nothing migrated.
/// </summary>
public sealed class OpenStore : IAsyncDisposable
{
    /// <summary>Events of one page.</summary>
    private const int PageMax = 500;

    private readonly ServiceProvider provider;

    private OpenStore(ServiceProvider provider) => this.provider = provider;

    public ServiceStore Service => provider.GetRequiredService<ServiceStore>();
    public PostgresOptions Postgres => provider.GetRequiredService<PostgresOptions>();
    public KafkaOptions Kafka => provider.GetRequiredService<KafkaOptions>();
    public DocumentStore Documents => (DocumentStore)provider.GetRequiredService<IDocumentStore>();
    public NpgsqlDataSource Source => provider.GetRequiredService<NpgsqlDataSource>();
    public PersonalData Personal => provider.GetRequiredService<PersonalData>();
    public StoreMigration Migration => provider.GetRequiredService<StoreMigration>();
    public StoreStatus Status => provider.GetRequiredService<StoreStatus>();

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
        return new OpenStore(services.BuildServiceProvider());
    }

    /// <summary>
    /// What is in (after, upTo] and was stored at the time of the call, archived streams included, in pages by
    /// position; or what one stream has there. Waits for the transactions that are open then; throws <see
    /// cref="OpenTransactionException"/> where one stays open that may add to it.
    /// </summary>
    internal async IAsyncEnumerable<IReadOnlyList<JasperFx.Events.IEvent>> PagesAsync(
        Guid? stream,
        long after,
        long upTo,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        var end = Math.Min(upTo, await SettledStore.WaitAsync(Source, TimeProvider.System, cancellation));
        IReadOnlyList<JasperFx.Events.IEvent> page;
        do
        {
            await using var session = Documents.QuerySession();
            var events = session
                .Events.QueryAllRawEvents()
                .Where(e => e.MaybeArchived() && e.Sequence > after && e.Sequence <= end);
            if (stream is { } id)
                events = events.Where(e => e.StreamId == id);
            page = await events.OrderBy(e => e.Sequence).Take(PageMax).ToListAsync(cancellation);
            yield return page;
            after = page.Count > 0 ? page[^1].Sequence : after;
        } while (page.Count == PageMax);
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
