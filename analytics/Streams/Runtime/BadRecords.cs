using System.Text;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.Logging;

namespace EventStream.Streams.Runtime;

/// <summary>An input could not be read and the policy is to stop.</summary>
public sealed class UnreadableRecordException(string message, Exception inner) : Exception(message, inner);

/// <summary>
/// Does with unreadable inputs what the options say; the dead letter belongs to the same commit as its offset.
/// </summary>
internal sealed partial class BadRecords(
    StreamsOptions options,
    Action<OutputRecord> send,
    TimeProvider clock,
    ILogger logger
)
{
    public long Count { get; private set; }

    public void Handle(RawRecord record, Exception cause)
    {
        Count++;
        StreamsMetrics.Bad.Add(1, new KeyValuePair<string, object?>("topic", record.Topic));
        Unreadable(logger, record.Topic, record.Partition, record.Offset, cause.Message);
        if (options.BadRecords == BadRecordPolicy.Stop)
        {
            throw new UnreadableRecordException(
                $"Record {record.Topic}/{record.Partition}@{record.Offset} cannot be read: {cause.Message}",
                cause
            );
        }

        if (options.BadRecords == BadRecordPolicy.DeadLetter)
            send(Letter(record, cause));
    }

    private OutputRecord Letter(RawRecord record, Exception cause)
    {
        var now = clock.GetUtcNow();
        var letter = new RecordDeadLettered(
            record.Topic,
            record.Partition,
            record.Offset,
            options.ApplicationId,
            CloudEvents.Text(record.Headers, CloudEvents.Type) ?? "",
            cause.Message,
            Convert.ToBase64String(record.Key),
            Convert.ToBase64String(record.Value ?? []),
            now
        );
        var id = $"{options.ApplicationId}/{record.Topic}/{record.Partition}/{record.Offset}";
        var headers = CloudEvents.Headers(
            MessageTypes.NameOf(typeof(RecordDeadLettered)),
            $"/eventstream/{options.ApplicationId}",
            id,
            now,
            record.TraceParent
        );
        return new OutputRecord(
            Topics.DeadLetters.Name,
            null,
            Encoding.UTF8.GetBytes(record.Topic),
            MessageTypes.Write(letter),
            headers,
            now
        );
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Record {Topic}/{Partition}@{Offset} cannot be read: {Cause}")]
    private static partial void Unreadable(ILogger logger, string topic, int partition, long offset, string cause);
}
