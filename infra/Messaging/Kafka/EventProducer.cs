using System.Diagnostics;
using System.Diagnostics.Metrics;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Messaging.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// Publishes messages to topics. Order is kept per key; a record is acknowledged by all replicas before a task ends.
/// </summary>
public interface IEventPublisher
{
    /// <summary>
    /// Publishes and waits for the acknowledgement. <paramref name="time"/> is the event's own time and becomes the
    /// record's timestamp. Throws <see cref="PublishException"/> when the broker did not take it within the delivery
    /// time-out.
    /// </summary>
    Task PublishAsync(
        Topic topic, string key, IMessage message, DateTimeOffset time, CancellationToken cancellation,
        PublishOptions? options = null);
}

/// <summary>
/// Event id (default: a new one) and trace parent (default: the current span's) of a published message.
/// </summary>
public sealed record PublishOptions(string? EventId = null, string? TraceParent = null);

/// <summary>
/// A record was not acknowledged; whether it was stored is unknown. Publishing it again is safe for readers by event
/// id.
/// </summary>
public sealed class PublishException(string topic, Error error)
    : Exception($"A record for '{topic}' was not acknowledged by Kafka: {error.Reason}.")
{
    public string Topic { get; } = topic;
    public Error Error { get; } = error;
}

/// <summary>
/// One idempotent producer of a role. At most <see cref="KafkaOptions.InFlightMax"/> records wait for
/// acknowledgement; a caller beyond that waits, so that memory stays bounded when the broker is away.
/// </summary>
public sealed partial class EventProducer : IEventPublisher, IDisposable
{
    private static readonly Counter<long> Published =
        Telemetry.Meter.CreateCounter<long>("messaging.client.sent.messages",
            description: "Records acknowledged or failed.");

    private readonly Lazy<IProducer<byte[], byte[]>> producer;
    private readonly SemaphoreSlim inFlight;
    private readonly string source;
    private bool disposed;

    public EventProducer(KafkaOptions options, IRole role, ILogger<EventProducer> logger)
    {
        source = $"/eventstream/{role.Name}";
        inFlight = new SemaphoreSlim(options.InFlightMax);
        producer = new Lazy<IProducer<byte[], byte[]>>(() =>
            new ProducerBuilder<byte[], byte[]>(options.ProducerConfig($"eventstream-{role.Name}"))
                .SetLogHandler((_, message) => ClientMessage(logger, message.Name, message.Message))
                .SetErrorHandler((_, error) => ClientError(logger, error.Reason))
                .Build());
    }

    public async Task PublishAsync(
        Topic topic, string key, IMessage message, DateTimeOffset time, CancellationToken cancellation,
        PublishOptions? options = null)
    {
        var type = MessageTypes.NameOf(message.GetType());
        using var span = Telemetry.Source.StartActivity($"send {topic.Name}", ActivityKind.Producer);
        span?.SetTag("messaging.system", "kafka").SetTag("messaging.destination.name", topic.Name);
        var record = new Message<byte[], byte[]>
        {
            Key = System.Text.Encoding.UTF8.GetBytes(key),
            Value = MessageTypes.Write(message),
            Timestamp = new Timestamp(time),
            Headers = CloudEvents.Headers(
                type, source, options?.EventId ?? Guid.NewGuid().ToString("D"), time,
                options?.TraceParent ?? CloudEvents.CurrentTraceParent()),
        };
        await DeliverAsync(topic.Name, record, cancellation);
    }

    /// <summary>Publishes a record as it is; used to pass on bytes that need not be understood.</summary>
    public async Task DeliverAsync(string topic, Message<byte[], byte[]> record, CancellationToken cancellation)
    {
        await inFlight.WaitAsync(cancellation);
        var done = new TaskCompletionSource<Error>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            producer.Value.Produce(topic, record, report => done.TrySetResult(report.Error));
        }
        catch (ProduceException<byte[], byte[]> e)
        {
            done.TrySetResult(e.Error);
        }
        catch
        {
            inFlight.Release();
            throw;
        }

        var error = await Settle(done.Task).WaitAsync(cancellation);
        Published.Add(1, new("messaging.destination.name", topic), new("error.type", error.IsError
            ? error.Code.ToString() : null));
        if (error.IsError) throw new PublishException(topic, error);
    }

    /// <summary>
    /// Waits, for a bounded time, until nothing is in flight; then closes. Safe to call again: the container holds it
    /// under two names and disposes it once for each.
    /// </summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref disposed, true) || !producer.IsValueCreated) return;
        producer.Value.Flush(TimeSpan.FromSeconds(5));
        producer.Value.Dispose();
        inFlight.Dispose();
    }

    private async Task<Error> Settle(Task<Error> delivery)
    {
        try
        {
            return await delivery;
        }
        finally
        {
            // The place is free only when librdkafka is done with the record, even if the caller stopped waiting.
            inFlight.Release();
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Client}: {Text}")]
    private static partial void ClientMessage(ILogger logger, string client, string text);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Kafka: {Reason}")]
    private static partial void ClientError(ILogger logger, string reason);
}
