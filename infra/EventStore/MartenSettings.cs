using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using EventStream.Contracts;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Privacy;
using JasperFx;
using JasperFx.Events;
using JasperFx.Events.Daemon;
using JasperFx.Events.Projections;
using Marten;
using Weasel.Core;

namespace EventStream.EventStore;

/// <summary>
/// How every store of the platform is set. Seven settings guard a guarantee or a measured cost, and each has a test of
/// its name in <c>MartenSettingsTests</c>; reasons are beside them.
/// </summary>
public static class MartenSettings
{
    /// <summary>How often the daemon asks for new events, busy or idle: the delay before an event is relayed.</summary>
    public static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(25);

    /// <summary>
    /// Events of one page, which is one transaction in PostgreSQL or Kafka.
    /// </summary>
    public const int PageMax = 500;

    /// <summary>Registers an aggregate: folded from its stream whenever a decision needs it.</summary>
    public static void Aggregate<TState, TId>(this StoreOptions store)
        where TState : class, IAggregate<TState>, new()
        where TId : notnull => store.Projections.Add(new AggregateFold<TState, TId>(), ProjectionLifecycle.Live);

    internal static StoreOptions Of(
        ServiceStore service,
        PostgresOptions postgres,
        Npgsql.NpgsqlDataSource source,
        SubjectKeys keys
    )
    {
        var store = new StoreOptions();
        store.Connection(source);
        store.DatabaseSchemaName = postgres.Schema;
        store.AutoCreateSchemaObjects = postgres.MigrateAtStart ? AutoCreate.CreateOrUpdate : AutoCreate.None;
        store.UseSystemTextJsonForSerialization(Json(service, keys), EnumStorage.AsString, Casing.CamelCase);
        store.Listeners.Add(new PersonalKeysListener(keys));
        Events(store);
        Daemon(store);
        service.Contents(store);
        foreach (var projection in store.Projections.All)
            Bound(projection.Options);
        return store;
    }

    private static void Events(StoreOptions store)
    {
        store.Events.StreamIdentity = StreamIdentity.AsGuid;
        // An append is one round trip and takes the server's clock.
        store.Events.AppendMode = EventAppendMode.QuickWithServerTimestamps;
        // Sequences go beyond 2^31.
        store.Events.EnableBigIntEvents = true;
        // NOTIFY holds a lock through every commit: eight callers halve their rate.
        store.Events.UseListenNotifyForEventAppends = false;
        // Without it every id type of an event becomes a tag table.
        store.Events.AutoDiscoverTagTypes = false;
        // The same command delivered twice is stored once.
        store.Events.EnableUniqueIndexOnEventId = true;
        store.Events.MetadataConfig.CorrelationIdEnabled = true;
        store.Events.MetadataConfig.CausationIdEnabled = true;
        store.Events.MetadataConfig.HeadersEnabled = true;
        store.Events.MetadataConfig.UserNameEnabled = true;
        foreach (var name in MessageTypes.Names)
            store.Events.MapEventType(MessageTypes.TypeOf(name)!, name);
    }

    private static void Daemon(StoreOptions store)
    {
        // A role adds the daemon; a tool has none, and Marten is not to warn of it on the console.
        store.Projections.AsyncMode = DaemonMode.ExternallyManaged;
        store.Projections.FastPollingTime = PollInterval;
        store.Projections.SlowPollingTime = PollInterval;
        // A message that this program does not know, or cannot read, stops its readers: nothing is passed over.
        store.Projections.Errors.SkipUnknownEvents = false;
        store.Projections.Errors.SkipSerializationErrors = false;
        store.Projections.Errors.SkipApplyErrors = false;
        // A process that died is replaced, and a reader that failed tries again, within about a second.
        store.Projections.LeadershipPollingTime = 1000;
        store.Projections.HealthCheckPollingTime = TimeSpan.FromSeconds(1);
    }

    /// <summary>
    /// One page in flight: what arrives meanwhile becomes one page. With the default every wake-up becomes a tiny page
    /// and transaction, and the delay before an event is relayed grows to seconds.
    /// </summary>
    internal static void Bound(AsyncOptions reader)
    {
        reader.BatchSize = PageMax;
        reader.MaximumHopperSize = 1;
    }

    private static JsonSerializerOptions Json(ServiceStore service, SubjectKeys keys)
    {
        var own = service.Documents is { } documents
            ? JsonTypeInfoResolver.Combine(ContractsJson.Default, documents)
            : ContractsJson.Default;
        return new JsonSerializerOptions
        {
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            TypeInfoResolver = JsonTypeInfoResolver
                .Combine(own, new DefaultJsonTypeInfoResolver())
                .WithAddedModifier(PersonalContract.Modifier(keys)),
        };
    }
}
