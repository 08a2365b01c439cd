using System.Diagnostics.Metrics;
using EventStream.Contracts;
using EventStream.EventStore.Postgres;
using EventStream.Messaging;
using EventStream.Messaging.Kafka;
using JasperFx.Events.Daemon;
using JasperFx.Events.Projections;
using Marten;
using Marten.Subscriptions;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStream.EventStore.Relay;

/// <summary>
/// Carries stored messages to Kafka, in order per stream, once for a reader of committed records. It runs in the
/// daemon of whichever process leads.
/// </summary>
/// <remarks>
/// Why once: a page is one Kafka transaction, so it is on the topics whole or not at all. Beginning opens the
/// transactional producer, which fences a former owner that was only slow and rolls back what that one left open. From
/// then on the ends of the topics say what was relayed: the relay reads the largest position there, checks by the
/// message's id that it is one of this store, and passes over what is up to it, whatever the progress in PostgreSQL
/// says. See docs/decisions/0019.
/// </remarks>
public sealed partial class KafkaRelay : SubscriptionBase
{
    /// <summary>The relay's name in the progress of the daemon.</summary>
    public const string ReaderName = "kafka-relay";

    private static readonly Counter<long> Relayed = Telemetry.Meter.CreateCounter<long>(
        "eventstream.store.relayed",
        "{event}",
        "Events acknowledged by Kafka."
    );

    private static readonly Histogram<double> Delay = Telemetry.Meter.CreateHistogram<double>(
        "eventstream.store.relay.delay",
        "s",
        "Time from an event's commit to its acknowledgement by Kafka."
    );

    private readonly KafkaOptions kafka;
    private readonly RelayRoutes routes;
    private readonly NpgsqlDataSource source;
    private readonly TimeProvider time;
    private readonly ILogger log;
    private readonly string id;
    private readonly string origin;
    private RelayProducer? producer;
    private long relayed;
    private volatile string? trouble;

    public KafkaRelay(
        KafkaOptions kafka,
        ServiceStore service,
        PostgresOptions postgres,
        NpgsqlDataSource source,
        TimeProvider time,
        ILogger<KafkaRelay> log
    )
    {
        (this.kafka, this.source, this.time, this.log) = (kafka, source, time, log);
        routes = service.Relay!;
        id = $"eventstream-relay-{postgres.Schema}";
        origin = $"/eventstream/{service.Name}";
        Name = ReaderName;
        MartenSettings.Bound(Options);
        // The last events of a stream that was archived meanwhile still go out.
        IncludeArchivedEvents = true;
    }

    /// <summary>Why nothing is relayed at the moment, or null.</summary>
    public string? Trouble => trouble;

    public override async Task<IChangeListener> ProcessEventsAsync(
        EventRange page,
        ISubscriptionController controller,
        IDocumentOperations operations,
        CancellationToken cancellationToken
    )
    {
        try
        {
            if (producer is null)
                await BeginAsync(page.SequenceFloor, cancellationToken);
            await SendAsync(page, cancellationToken);
            trouble = null;
            return NullChangeListener.Instance;
        }
        catch (Exception e)
        {
            // Whether the page is on the topics is unknown: the next attempt begins with their ends.
            End();
            if (!cancellationToken.IsCancellationRequested)
            {
                trouble = $"Kafka at {kafka.Bootstrap} did not take the events after {page.SequenceFloor}: {e.Message}";
                Failed(page.SequenceFloor, e.Message);
            }

            throw;
        }
    }

    public override ValueTask DisposeAsync()
    {
        End();
        return base.DisposeAsync();
    }

    private async Task SendAsync(EventRange page, CancellationToken cancellation)
    {
        var sent = new List<JasperFx.Events.IEvent>();
        var records = new List<(string, Confluent.Kafka.Message<byte[], byte[]>)>();
        foreach (var e in page.Events)
        {
            // Where an append failed, Marten fills its positions with tombstones of its own.
            if (e.Sequence <= relayed || e.Data is not IMessage || routes.TargetOf(e) is not { } target)
                continue;
            records.Add((target.Topic.Name, RelayRecords.Of(e, target, origin, replay: false)));
            sent.Add(e);
        }

        if (records.Count > 0)
            await producer!.SendAsync(records, cancellation);
        // Progress in PostgreSQL moves after this and may fail to; the page then comes again.
        relayed = Math.Max(relayed, page.SequenceCeiling);
        Relayed.Add(sent.Count);
        var now = time.GetUtcNow();
        foreach (var e in sent)
            Delay.Record((now - e.Timestamp).TotalSeconds);
    }

    private async Task BeginAsync(long floor, CancellationToken cancellation)
    {
        var opened = await RelayProducer.OpenAsync(kafka, id, log, cancellation);
        try
        {
            var tail = await new TopicTail(kafka, id).ReadAsync(
                routes.Topics.Select(topic => topic.Name),
                cancellation
            );
            relayed = Math.Max(
                floor,
                await NewestOwnAsync(tail.Where(record => record.Position > floor).ToList(), cancellation)
            );
        }
        catch
        {
            opened.Dispose();
            throw;
        }

        producer = opened;
        Begins(relayed, floor);
    }

    /// <summary>The largest position on the topics that is a message of this store; 0 where there is none.</summary>
    private async Task<long> NewestOwnAsync(List<TailRecord> tail, CancellationToken cancellation)
    {
        if (tail.Count == 0)
            return 0;
        await using var command = source.Command(
            "select seq_id, id from mt_events where seq_id = any ($1)",
            tail.Select(record => record.Position).ToArray()
        );
        var own = new HashSet<(long, string)>();
        await using var row = await command.ExecuteReaderAsync(cancellation);
        while (await row.ReadAsync(cancellation))
            own.Add((row.GetInt64(0), row.GetGuid(1).ToString("D")));
        foreach (var record in tail.Where(record => !own.Contains((record.Position, record.EventId))))
            Foreign(record.Topic, record.Partition, record.Position);
        return tail.Where(record => own.Contains((record.Position, record.EventId)))
            .Select(record => record.Position)
            .DefaultIfEmpty(0)
            .Max();
    }

    private void End()
    {
        producer?.Dispose();
        producer = null;
    }

    [LoggerMessage(
        1,
        LogLevel.Information,
        "The relay begins after position {Relayed}, which is on the topics; the store's progress is {Floor}."
    )]
    private partial void Begins(long relayed, long floor);

    [LoggerMessage(
        2,
        LogLevel.Warning,
        "{Topic}/{Partition} ends with an event of another store at position {Position}; it does not count as relayed."
    )]
    private partial void Foreign(string topic, int partition, long position);

    [LoggerMessage(3, LogLevel.Warning, "The relay stops after position {Floor} and begins again: {Cause}")]
    private partial void Failed(long floor, string cause);
}
