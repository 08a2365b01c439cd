using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text;
using System.Text.Json;
using Confluent.Kafka;
using EventStream.Contracts;
using Microsoft.Extensions.Logging;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// Turns a record into a message, continues its trace, calls the handler with bounded retries, and applies the policy
/// for bad records. It owns the decision what becomes of a record.
/// </summary>
internal sealed partial class RecordHandler(
    ConsumerOptions options,
    Func<ConsumedMessage, CancellationToken, Task> handle,
    DeadLetters letters,
    TimeProvider clock,
    Random random,
    ILogger logger
) : IDisposable
{
    private static readonly Counter<long> Bad = Telemetry.Meter.CreateCounter<long>(
        "eventstream.messaging.bad_records",
        description: "Records given up, by policy."
    );

    private static readonly Counter<long> Retries = Telemetry.Meter.CreateCounter<long>(
        "eventstream.messaging.retries",
        description: "Calls of a handler after one that failed."
    );

    private static readonly Histogram<double> Duration = Telemetry.Meter.CreateHistogram<double>(
        "messaging.process.duration",
        "s",
        "Time a handler took."
    );

    private readonly SemaphoreSlim concurrency = new(options.ConcurrencyMax);

    public void Dispose() => concurrency.Dispose();

    /// <summary>
    /// Ends when the record is processed or given up. Throws <see cref="OperationCanceledException"/> when a signal
    /// came first, and <see cref="BadRecordException"/> under the policy <see cref="BadRecordPolicy.Stop"/>.
    /// </summary>
    public async Task ProcessAsync(ConsumeResult<byte[], byte[]> record, WorkSignals signals)
    {
        if (Parse(record, out var cause) is not { } message)
        {
            await GiveUpAsync(record, new Fault(cause!, null, 0), signals.Cancelled);
            return;
        }

        // A trace is continued where the record carries one; high-volume records without one start none.
        var parent = CloudEvents.TraceContext(record.Message.Headers);
        using var span =
            parent == default
                ? null
                : Telemetry.Source.StartActivity($"process {record.Topic}", ActivityKind.Consumer, parent);
        span?.SetTag("messaging.system", "kafka").SetTag("messaging.consumer.group.name", options.Group);
        if (await HandleAsync(record, message, signals) is not { } fault)
            return;
        span?.SetStatus(ActivityStatusCode.Error, fault.Cause);
        await GiveUpAsync(record, fault, signals.Cancelled);
    }

    private static ConsumedMessage? Parse(ConsumeResult<byte[], byte[]> record, out string? cause)
    {
        cause = null;
        var headers = record.Message.Headers;
        if (headers is null || !headers.TryGetLastBytes(CloudEvents.Type, out var type) || type is null)
            cause = $"the header {CloudEvents.Type} is missing";
        else if (record.Message.Value is null)
            cause = "the value is null";
        if (cause is not null)
            return null;
        try
        {
            return new ConsumedMessage(
                record.Topic,
                record.Partition,
                record.Offset,
                Encoding.UTF8.GetString(record.Message.Key ?? []),
                CloudEvents.Text(headers, CloudEvents.Id) ?? $"{record.TopicPartitionOffset}",
                DateTimeOffset.FromUnixTimeMilliseconds(record.Message.Timestamp.UnixTimestampMs),
                MessageTypes.Read(headers!.GetLastBytes(CloudEvents.Type), record.Message.Value),
                CloudEvents.Text(headers, CloudEvents.TraceParent)
            );
        }
        catch (Exception e) when (e is JsonException or UnknownMessageException)
        {
            cause = e.Message;
            return null;
        }
    }

    /// <summary>Calls the handler until it succeeds; returns why it is given up, or null.</summary>
    private async Task<Fault?> HandleAsync(
        ConsumeResult<byte[], byte[]> record,
        ConsumedMessage message,
        WorkSignals signals
    )
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await CallAsync(message, signals);
                return null;
            }
            catch (OperationCanceledException) when (signals.Cancelled.IsCancellationRequested)
            {
                throw;
            }
            catch (Exception e) when (attempt <= options.RetriesMax)
            {
                HandlerFailed(logger, e, options.Group, record.TopicPartitionOffset, attempt);
                Retries.Add(1, new("group", options.Group), new("topic", record.Topic));
                // The turn is given back meanwhile: one record that waits does not hold up other partitions.
                await Task.Delay(Backoff(attempt), clock, signals.Draining);
            }
            catch (Exception e)
            {
                return new Fault(e.Message, e, attempt);
            }
        }
    }

    private async Task CallAsync(ConsumedMessage message, WorkSignals signals)
    {
        await concurrency.WaitAsync(signals.Cancelled);
        try
        {
            var started = Duration.Enabled ? clock.GetTimestamp() : 0;
            await handle(message, signals.Cancelled);
            if (started == 0)
                return;
            Duration.Record(
                clock.GetElapsedTime(started).TotalSeconds,
                new KeyValuePair<string, object?>("topic", message.Topic)
            );
        }
        finally
        {
            concurrency.Release();
        }
    }

    private TimeSpan Backoff(int attempt)
    {
        var full = Math.Min(
            options.RetryDelay.TotalMilliseconds * Math.Pow(2, attempt - 1),
            options.RetryDelayMax.TotalMilliseconds
        );
        double chance;
        lock (random)
            chance = random.NextDouble();
        return TimeSpan.FromMilliseconds(full * (0.5 + chance / 2));
    }

    private async Task GiveUpAsync(ConsumeResult<byte[], byte[]> record, Fault fault, CancellationToken cancellation)
    {
        Bad.Add(
            1,
            new("group", options.Group),
            new("topic", record.Topic),
            new("policy", options.BadRecords.ToString())
        );
        BadRecord(logger, fault.Exception, options.Group, record.TopicPartitionOffset, fault.Cause, options.BadRecords);
        if (options.BadRecords == BadRecordPolicy.Stop)
            throw new BadRecordException(record.TopicPartitionOffset, fault.Cause, fault.Exception);
        if (options.BadRecords == BadRecordPolicy.DeadLetter)
            await letters.WriteAsync(options.Group, record, fault, cancellation);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Group}: {Record} failed, attempt {Attempt}")]
    private static partial void HandlerFailed(
        ILogger logger,
        Exception e,
        string group,
        TopicPartitionOffset record,
        int attempt
    );

    [LoggerMessage(Level = LogLevel.Error, Message = "{Group}: {Record} is bad: {Cause} ({Policy})")]
    private static partial void BadRecord(
        ILogger logger,
        Exception? e,
        string group,
        TopicPartitionOffset record,
        string cause,
        BadRecordPolicy policy
    );
}

/// <summary>Why a record is given up, after how many calls of the handler; no exception if it was not read.</summary>
internal sealed record Fault(string Cause, Exception? Exception, int Attempts);

/// <summary>A record could not be processed and the policy is to stop.</summary>
public sealed class BadRecordException(TopicPartitionOffset record, string cause, Exception? inner)
    : Exception($"The record at {record} cannot be processed: {cause.TrimEnd('.')}.", inner)
{
    public TopicPartitionOffset Record { get; } = record;
}
