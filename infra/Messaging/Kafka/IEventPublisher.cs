using Confluent.Kafka;
using EventStream.Contracts;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// Publishes messages to topics. Order is that of the calls, per key; a record is acknowledged by all replicas before
/// its outcome is reported. Records share batches, and Kafka refuses a batch for one bad record in it: the records of
/// such a batch are sent again one by one, so that only the bad one fails. They may then follow later records of
/// their key.
/// </summary>
public interface IEventPublisher
{
    /// <summary>
    /// Publishes and waits for the acknowledgement. <paramref name="time"/> is the event's own time; it becomes the
    /// record's timestamp unless it is ahead of this machine's clock, whose time is then taken. Throws
    /// <see cref="PublishException"/> when the broker did not take it within the delivery time-out.
    /// </summary>
    Task PublishAsync(
        Topic topic,
        string key,
        IMessage message,
        DateTimeOffset time,
        CancellationToken cancellation,
        PublishOptions? options = null
    );

    /// <summary>
    /// The form for many records: ends as soon as the record has its place among those in flight, which is at once
    /// unless the bounds are reached. <paramref name="delivered"/> gets the outcome, null for an acknowledgement;
    /// it is called on the client's thread and must neither block nor throw. Cancelled while it waits for its place,
    /// the record is not sent and <paramref name="delivered"/> is not called.
    /// </summary>
    async ValueTask SendAsync(
        Topic topic,
        string key,
        IMessage message,
        DateTimeOffset time,
        Action<PublishException?> delivered,
        CancellationToken cancellation,
        PublishOptions? options = null
    )
    {
        PublishException? failure = null;
        try
        {
            await PublishAsync(topic, key, message, time, cancellation, options);
        }
        catch (PublishException e)
        {
            failure = e;
        }

        delivered(failure);
    }
}

/// <summary>
/// Event id (default: a new one) and trace parent (default: the current span's) of a published message.
/// </summary>
public sealed record PublishOptions(string? EventId = null, string? TraceParent = null);

/// <summary>
/// A record was not acknowledged; whether it was stored is unknown. Publishing it again is safe for readers by event
/// id. The message names the topic, Kafka's reason and the remedy.
/// </summary>
public sealed class PublishException(string topic, Error error)
    : Exception(
        $"A record for '{topic}' was not acknowledged by Kafka: {error.Reason.TrimEnd('.')}. {Remedy(topic, error)}"
    )
{
    public string Topic { get; } = topic;

    public Error Error { get; } = error;

    private static string Remedy(string topic, Error error) =>
        error.Code switch
        {
            ErrorCode.Local_MsgTimedOut or ErrorCode.RequestTimedOut or ErrorCode.Local_AllBrokersDown =>
                "See that the broker runs and is reached at Kafka:Bootstrap, then publish again.",
            ErrorCode.MsgSizeTooLarge or ErrorCode.RecordListTooLarge =>
                $"Send less at once, or raise max.message.bytes of '{topic}'.",
            ErrorCode.InvalidRecord or ErrorCode.InvalidTimestamp =>
                "Kafka takes it in no case: its key, its time or its form breaks a rule of the topic.",
            ErrorCode.UnknownTopicOrPart or ErrorCode.Local_UnknownTopic or ErrorCode.Local_UnknownPartition =>
                "Create it with `eventstream topics create`.",
            ErrorCode.TopicAuthorizationFailed or ErrorCode.ClusterAuthorizationFailed =>
                $"Allow this client to write to '{topic}'.",
            ErrorCode.KafkaStorageError => "See to the disk of the broker, then publish again.",
            ErrorCode.Local_PurgeQueue or ErrorCode.Local_Destroy =>
                "The role stopped before the broker answered; publish again at the next start.",
            _ => "Publish again; readers recognize repeats by the event id.",
        };
}
