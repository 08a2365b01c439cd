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
    public async Task WriteAsync(
        string group,
        ConsumeResult<byte[], byte[]> record,
        Fault fault,
        CancellationToken cancellation
    )
    {
        var letter = DeadLetter.Of(group, record, fault.Cause, fault.Exception, fault.Attempts, clock.GetUtcNow());
        // The id is that of the record, so that readers recognize a letter that is written twice.
        var options = new PublishOptions(
            DeadLetter.IdOf(letter),
            CloudEvents.Text(record.Message.Headers, CloudEvents.TraceParent)
        );
        await publisher.PublishUntilTakenAsync(
            Topics.DeadLetters,
            record.Topic,
            letter,
            letter.At,
            clock,
            refusal => Waiting(logger, group, record.TopicPartitionOffset, refusal.Message),
            cancellation,
            options
        );
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Group}: the dead letter of {Record} waits: {Reason}")]
    private static partial void Waiting(ILogger logger, string group, TopicPartitionOffset record, string reason);
}
