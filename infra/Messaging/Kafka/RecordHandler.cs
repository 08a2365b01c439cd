using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text;
using System.Text.Json;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Messaging.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// Turns a record into a message, continues its trace, calls the handler with bounded retries, and applies the policy
/// for bad records. It owns the decision what becomes of a record.
/// </summary>
internal sealed partial class RecordHandler(
    ConsumerOptions options, Func<ConsumedMessage, CancellationToken, Task> handle, EventProducer producer,
    TimeProvider clock, ILogger logger)
{
    private static readonly Counter<long> Bad =
        Telemetry.Meter.CreateCounter<long>("eventstream.messaging.bad_records",
            description: "Records given up, by policy.");

    private static readonly Histogram<double> Duration =
        Telemetry.Meter.CreateHistogram<double>("messaging.process.duration", "s", "Time a handler took.");

    private readonly SemaphoreSlim concurrency = new(options.ConcurrencyMax);

    public async Task ProcessAsync(ConsumeResult<byte[], byte[]> record, CancellationToken cancellation)
    {
        await concurrency.WaitAsync(cancellation);
        try
        {
            if (Parse(record, out var cause) is { } message) await HandleAsync(record, message, cancellation);
            else await GiveUpAsync(record, cause!, null, cancellation);
        }
        finally
        {
            concurrency.Release();
        }
    }

    private static ConsumedMessage? Parse(ConsumeResult<byte[], byte[]> record, out string? cause)
    {
        cause = null;
        var type = CloudEvents.Text(record.Message.Headers, CloudEvents.Type);
        if (type is null) cause = $"the header {CloudEvents.Type} is missing";
        else if (record.Message.Value is null) cause = "the value is null";
        if (cause is not null) return null;
        try
        {
            return new ConsumedMessage(
                record.Topic, record.Partition, record.Offset, Encoding.UTF8.GetString(record.Message.Key ?? []),
                CloudEvents.Text(record.Message.Headers, CloudEvents.Id) ?? $"{record.TopicPartitionOffset}",
                DateTimeOffset.FromUnixTimeMilliseconds(record.Message.Timestamp.UnixTimestampMs),
                MessageTypes.Read(type!, record.Message.Value),
                CloudEvents.Text(record.Message.Headers, CloudEvents.TraceParent));
        }
        catch (Exception e) when (e is JsonException or UnknownMessageException)
        {
            cause = e.Message;
            return null;
        }
    }

    private async Task HandleAsync(
        ConsumeResult<byte[], byte[]> record, ConsumedMessage message, CancellationToken cancellation)
    {
        var started = clock.GetTimestamp();
        // A trace is continued where the record carries one; high-volume records without one start none.
        var parent = CloudEvents.TraceContext(record.Message.Headers);
        using var span = parent == default
            ? null
            : Telemetry.Source.StartActivity($"process {record.Topic}", ActivityKind.Consumer, parent);
        span?.SetTag("messaging.system", "kafka").SetTag("messaging.consumer.group.name", options.Group);
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await handle(message, cancellation);
                Duration.Record(clock.GetElapsedTime(started).TotalSeconds, new KeyValuePair<string,
                    object?>("topic", record.Topic));
                return;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                throw;
            }
            catch (Exception e) when (attempt < options.RetriesMax)
            {
                HandlerFailed(logger, e, options.Group, record.TopicPartitionOffset, attempt + 1);
                await Task.Delay(options.RetryDelay * Math.Pow(2, attempt), clock, cancellation);
            }
            catch (Exception e)
            {
                await GiveUpAsync(record, e.Message, e, cancellation);
                return;
            }
        }
    }

    private async Task GiveUpAsync(
        ConsumeResult<byte[], byte[]> record, string cause, Exception? exception, CancellationToken cancellation)
    {
        Bad.Add(1, new("group", options.Group), new("topic", record.Topic),
            new("policy", options.BadRecords.ToString()));
        BadRecord(logger, exception, options.Group, record.TopicPartitionOffset, cause, options.BadRecords);
        if (options.BadRecords == BadRecordPolicy.Stop) throw new BadRecordException(record.TopicPartitionOffset,
            cause, exception);
        if (options.BadRecords == BadRecordPolicy.Continue) return;
        var now = clock.GetUtcNow();
        var letter = new RecordDeadLettered(
            record.Topic, record.Partition, record.Offset, options.Group,
            CloudEvents.Text(record.Message.Headers, CloudEvents.Type) ?? "", cause,
            Convert.ToBase64String(record.Message.Key ?? []), Convert.ToBase64String(record.Message.Value ?? []), now);
        // The id is that of the record, so that a letter written twice is told by its readers.
        var id = $"{options.Group}/{record.Topic}/{record.Partition.Value}/{record.Offset.Value}";
        await producer.PublishAsync(Topics.DeadLetters, record.Topic, letter, now, cancellation,
            new PublishOptions(id));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Group}: {Record} failed, attempt {Attempt}")]
    private static partial void HandlerFailed(
        ILogger logger, Exception e, string group, TopicPartitionOffset record, int attempt);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Group}: {Record} is bad: {Cause} ({Policy})")]
    private static partial void BadRecord(
        ILogger logger, Exception? e, string group, TopicPartitionOffset record, string cause, BadRecordPolicy policy);
}

/// <summary>A record could not be processed and the policy is to stop.</summary>
public sealed class BadRecordException(TopicPartitionOffset record, string cause, Exception? inner)
    : Exception($"The record at {record} cannot be processed: {cause}.", inner)
{
    public TopicPartitionOffset Record { get; } = record;
}
