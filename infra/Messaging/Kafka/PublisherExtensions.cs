using EventStream.Contracts;

namespace EventStream.Messaging.Kafka;

/// <summary>Ways of publishing that need no more than <see cref="IEventPublisher"/>.</summary>
public static class PublisherExtensions
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Publishes and, while Kafka does not take the record, tries again each second. <paramref name="waiting"/> is
    /// called with each refusal. With an event id in <paramref name="options"/> readers recognize a repeat.
    /// </summary>
    public static async Task PublishUntilTakenAsync(
        this IEventPublisher publisher,
        Topic topic,
        string key,
        IMessage message,
        DateTimeOffset time,
        TimeProvider clock,
        Action<PublishException> waiting,
        CancellationToken cancellation,
        PublishOptions? options = null
    )
    {
        while (true)
        {
            try
            {
                await publisher.PublishAsync(topic, key, message, time, cancellation, options);
                return;
            }
            catch (PublishException e)
            {
                waiting(e);
                await Task.Delay(RetryDelay, clock, cancellation);
            }
        }
    }
}
