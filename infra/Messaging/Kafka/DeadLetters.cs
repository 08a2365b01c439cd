using Confluent.Kafka;
using EventStream.Contracts;
using Microsoft.Extensions.Logging;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// Writes records that were given up to <c>dead.letters</c>, with cause and origin. A record is let go only when its
/// letter is acknowledged: while Kafka is away this waits and tries again.
/// </summary>
internal sealed partial class DeadLetters(IEventPublisher publisher, TimeProvider clock, ILogger logger)
{
    /// <summary>The longest value that is kept whole: base64 stays below the usual record limit of 1 MB.</summary>
    public const int ValueBytesMax = 512 * 1024;

    private const int KeyBytesMax = 16 * 1024;
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    public async Task WriteAsync(
        string group, ConsumeResult<byte[], byte[]> record, Fault fault, CancellationToken cancellation)
    {
        var letter = Letter(group, record, fault);
        // The id is that of the record, so that readers recognize a letter that is written twice.
        var options = new PublishOptions(
            $"{group}/{record.Topic}/{record.Partition.Value}/{record.Offset.Value}",
            CloudEvents.Text(record.Message.Headers, CloudEvents.TraceParent));
        while (true)
        {
            try
            {
                await publisher.PublishAsync(
                    Topics.DeadLetters, record.Topic, letter, letter.At, cancellation, options);
                return;
            }
            catch (PublishException e)
            {
                Waiting(logger, group, record.TopicPartitionOffset, e.Message);
                await Task.Delay(RetryDelay, clock, cancellation);
            }
        }
    }

    private RecordDeadLettered Letter(string group, ConsumeResult<byte[], byte[]> record, Fault fault)
    {
        var (key, value, headers) = (record.Message.Key ?? [], record.Message.Value ?? [], record.Message.Headers);
        var cause = value.Length <= ValueBytesMax
            ? fault.Cause
            : $"{fault.Cause} (the value of {value.Length} bytes is cut to {ValueBytesMax})";
        return new RecordDeadLettered(
            record.Topic, record.Partition, record.Offset, group, CloudEvents.Text(headers, CloudEvents.Type) ?? "",
            cause, Base64(key, KeyBytesMax), Base64(value, ValueBytesMax), clock.GetUtcNow(),
            fault.Exception?.GetType().FullName, fault.Attempts, CloudEvents.Text(headers, CloudEvents.Id),
            DateTimeOffset.FromUnixTimeMilliseconds(record.Message.Timestamp.UnixTimestampMs));
    }

    private static string Base64(byte[] bytes, int bytesMax) =>
        Convert.ToBase64String(bytes, 0, Math.Min(bytes.Length, bytesMax));

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Group}: the dead letter of {Record} waits: {Reason}")]
    private static partial void Waiting(ILogger logger, string group, TopicPartitionOffset record, string reason);
}
