using System.Diagnostics;
using Confluent.Kafka;
using EventStream.Contracts;
using Microsoft.Extensions.Logging;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// The idempotent producer of a role. At most <see cref="KafkaOptions.InFlightMax"/> records and
/// <see cref="KafkaOptions.InFlightBytesMax"/> bytes wait for acknowledgement; a caller beyond that waits, so that
/// memory stays bounded when the broker is away. A client that Kafka refused for good is replaced by a new one.
/// </summary>
/// <remarks>
/// Kafka refuses a whole batch for a record that breaks a rule, and its client does not say which record that is. The
/// records of a refused batch go once more through a second client, whose batches hold one record each: what fails
/// there is bad by itself. They keep their places in flight meanwhile, so that the bounds hold.
/// </remarks>
public sealed partial class EventProducer : IEventPublisher, IDisposable
{
    private readonly KafkaOptions options;
    private readonly ILogger<EventProducer> logger;
    private readonly TimeProvider clock;
    private readonly string clientId;
    private readonly EventEncoder encoder;
    private readonly InFlightWindow window;
    private readonly Action<PendingRecord, Error> settled;
    private readonly Action<PendingRecord> handOver;
    private readonly Lock building = new();
    private volatile IProducer<byte[], byte[]>? client;
    private IProducer<byte[], byte[]>? single;
    private bool disposed;

    public EventProducer(
        KafkaOptions options,
        IClientName client,
        ILogger<EventProducer> logger,
        TimeProvider? clock = null
    )
    {
        (this.options, this.logger, this.clock) = (options, logger, clock ?? TimeProvider.System);
        clientId = $"eventstream-{client.Name}";
        encoder = new EventEncoder($"/eventstream/{client.Name}", this.clock);
        window = new InFlightWindow(options.InFlightMax, options.InFlightBytesMax);
        (settled, handOver) = (Settle, HandOver);
        ProducerMetrics.Add(this);
    }

    /// <summary>Records handed to Kafka's client and not yet acknowledged.</summary>
    public int InFlight => window.Records;

    /// <summary>Their bytes, about.</summary>
    public long InFlightBytes => window.Bytes;

    /// <summary>Records whose callers wait for a place.</summary>
    public int Waiting => window.Waiting;

    public async Task PublishAsync(
        Topic topic,
        string key,
        IMessage message,
        DateTimeOffset time,
        CancellationToken cancellation,
        PublishOptions? options = null
    )
    {
        using var span = Telemetry.Source.StartActivity($"send {topic.Name}", ActivityKind.Producer);
        span?.SetTag("messaging.system", "kafka").SetTag("messaging.destination.name", topic.Name);
        var done = new TaskCompletionSource<PublishException?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await SendAsync(topic, key, message, time, done.SetResult, cancellation, options);
        if (await done.Task.WaitAsync(cancellation) is not { } failure)
            return;
        span?.SetStatus(ActivityStatusCode.Error, failure.Error.Reason);
        throw failure;
    }

    public ValueTask SendAsync(
        Topic topic,
        string key,
        IMessage message,
        DateTimeOffset time,
        Action<PublishException?> delivered,
        CancellationToken cancellation,
        PublishOptions? options = null
    ) =>
        window.EnterAsync(
            new PendingRecord(topic.Name, encoder.Encode(key, message, time, options), delivered, settled),
            handOver,
            cancellation
        );

    /// <summary>
    /// Waits, for at most <see cref="KafkaOptions.FlushTimeout"/>, until nothing is in flight; then closes, reports
    /// to the callers of what is left, and logs how many records of which topics that are. Safe to call again: the
    /// container holds it under two names and disposes it once for each.
    /// </summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref disposed, true))
            return;
        var last = client;
        last?.Flush(options.FlushTimeout);
        single?.Flush(options.FlushTimeout);
        var left = window.Close();
        if (left.Count > 0)
        {
            var topics = left.CountBy(record => record.Topic)
                .OrderBy(topic => topic.Key, StringComparer.Ordinal)
                .Select(topic => $"{topic.Value} of {topic.Key}");
            NotSent(logger, left.Count, options.FlushTimeout.TotalSeconds, string.Join(", ", topics));
        }

        foreach (var record in left)
            Report(record, new Error(ErrorCode.Local_Destroy, "the producer was closed"));
        last?.Dispose();
        single?.Dispose();
        ProducerMetrics.Remove(this);
    }

    private void HandOver(PendingRecord record)
    {
        if (ProducerMetrics.MeasuresLatency)
            record.StartedAt = clock.GetTimestamp();
        while (true)
        {
            var to = client ?? Build();
            try
            {
                to.Produce(record.Topic, record.Message, record.Report);
                return;
            }
            catch (KafkaException e)
            {
                Settle(record, e.Error);
                return;
            }
            catch (ObjectDisposedException) when (to != client)
            {
                // It was replaced and closed in between.
            }
        }
    }

    private void Settle(PendingRecord record, Error error)
    {
        if (IsOfOneRecord(error) && !record.SentAlone && TrySendAlone(record))
            return;
        if (window.TryLeave(record))
            Report(record, error);
    }

    /// <summary>Whether Kafka refused the batch for one record in it, or for the size of all of them.</summary>
    private static bool IsOfOneRecord(Error error) =>
        error.Code
            is ErrorCode.InvalidRecord
                or ErrorCode.InvalidTimestamp
                or ErrorCode.MsgSizeTooLarge
                or ErrorCode.RecordListTooLarge
                or ErrorCode.Local_InvalidDifferentRecord;

    private bool TrySendAlone(PendingRecord record)
    {
        record.SentAlone = true;
        try
        {
            Single().Produce(record.Topic, record.Message, record.Report);
            return true;
        }
        catch (Exception e) when (e is KafkaException or ObjectDisposedException)
        {
            // The first refusal counts.
            return false;
        }
    }

    private IProducer<byte[], byte[]> Single()
    {
        lock (building)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            if (single is not null)
                return single;
            var config = options.ProducerConfig($"{clientId}-single");
            config.BatchNumMessages = 1;
            config.LingerMs = 0;
            return single = New(config, (_, error) => ClientError(logger, error.Reason));
        }
    }

    /// <summary>
    /// What no callback reports. That an error is fatal the client says here only: its reports and exceptions give
    /// the cause, which by itself need not be.
    /// </summary>
    private void OnError(IProducer<byte[], byte[]> from, Error error)
    {
        if (error.IsFatal)
            Replace(from, error);
        else
            ClientError(logger, error.Reason);
    }

    private void Report(PendingRecord record, Error error)
    {
        var elapsed = record.StartedAt == 0 ? (TimeSpan?)null : clock.GetElapsedTime(record.StartedAt);
        ProducerMetrics.Settled(record.Topic, error, elapsed);
        try
        {
            record.Delivered(error.IsError ? new PublishException(record.Topic, error) : null);
        }
        catch (Exception e)
        {
            // The client's thread serves every caller; one that throws must not end it.
            HandlerThrew(logger, e, record.Topic);
        }
    }

    private IProducer<byte[], byte[]> Build()
    {
        lock (building)
            return client ??= New(options.ProducerConfig(clientId), OnError);
    }

    private IProducer<byte[], byte[]> New(ProducerConfig config, Action<IProducer<byte[], byte[]>, Error> onError)
    {
        // What was sent is known here; copying it back from the client with every report costs as much as sending.
        config.DeliveryReportFields = "none";
        return new ProducerBuilder<byte[], byte[]>(config)
            .SetLogHandler((_, message) => ClientMessage(logger, message.Name, message.Message))
            .SetErrorHandler(onError)
            .Build();
    }

    /// <summary>
    /// After a fatal error, a lost sequence for example, a client takes nothing any more. The next record begins with
    /// a new one; the old one fails what it holds.
    /// </summary>
    private void Replace(IProducer<byte[], byte[]> broken, Error error)
    {
        lock (building)
        {
            if (client != broken || disposed)
                return;
            client = null;
        }

        Replaced(logger, error.Reason);
        // Not on this thread, which is the client's own; it is done when the last report was given.
        _ = Task.Run(() =>
        {
            broken.Flush(options.FlushTimeout);
            broken.Dispose();
        });
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Client}: {Text}")]
    private static partial void ClientMessage(ILogger logger, string client, string text);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Kafka: {Reason}")]
    private static partial void ClientError(ILogger logger, string reason);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "{Count} records were not acknowledged within {Seconds:0.#} s and are given up: {Topics}"
    )]
    private static partial void NotSent(ILogger logger, int count, double seconds, string topics);

    [LoggerMessage(Level = LogLevel.Error, Message = "A new producer takes over after a fatal error: {Reason}")]
    private static partial void Replaced(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "A delivery handler for {Topic} threw")]
    private static partial void HandlerThrew(ILogger logger, Exception e, string topic);
}
