using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.Logging;

namespace EventStream.Streams;

/// <summary>An input could not be read and the policy is to stop.</summary>
public sealed class UnreadableRecordException(string message, Exception inner) : Exception(message, inner);

/// <summary>
/// Does with unreadable inputs what the options say; the dead letter belongs to the same transaction as their offset.
/// </summary>
internal sealed partial class BadRecords(StreamScope scope)
{
    /// <summary>The letter to send, or null where the policy is to go on without one.</summary>
    public RecordDeadLettered? Judge(ConsumeResult<byte[], byte[]> record, Exception cause)
    {
        scope.Counts.AddBad(record.Topic);
        Unreadable(scope.Logger, record.TopicPartitionOffset, cause.Message);
        return scope.Options.BadRecords switch
        {
            BadRecordPolicy.Stop => throw new UnreadableRecordException(
                $"Record {record.TopicPartitionOffset} cannot be read: {cause.Message}",
                cause
            ),
            BadRecordPolicy.Continue => null,
            _ => DeadLetter.Of(
                scope.Options.ApplicationId,
                record,
                cause.Message,
                cause,
                attempts: 1,
                scope.Clock.GetUtcNow()
            ),
        };
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Record {Record} cannot be read: {Cause}")]
    private static partial void Unreadable(ILogger logger, TopicPartitionOffset record, string cause);
}
