using EventStream.Contracts;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// Publishes many records and waits once for all of them: one task for the batch instead of one for each record. For
/// one caller at a time, and for one batch.
/// </summary>
public sealed class PublishBatch
{
    private readonly IEventPublisher publisher;
    private readonly Action<PublishException?> delivered;
    private readonly TaskCompletionSource settled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Starts at one for the batch itself, so that it settles only after the last record was added.
    private int pending = 1;
    private int failed;
    private PublishException? firstFailure;

    public PublishBatch(IEventPublisher publisher)
    {
        this.publisher = publisher;
        delivered = Delivered;
    }

    /// <summary>Records that Kafka did not acknowledge so far.</summary>
    public int Failed => Volatile.Read(ref failed);

    /// <summary>
    /// Adds a record; waits while the bounds of what may be in flight are reached. See
    /// <see cref="IEventPublisher.SendAsync"/>.
    /// </summary>
    public async ValueTask AddAsync(
        Topic topic,
        string key,
        IMessage message,
        DateTimeOffset time,
        CancellationToken cancellation,
        PublishOptions? options = null
    )
    {
        Interlocked.Increment(ref pending);
        try
        {
            await publisher.SendAsync(topic, key, message, time, delivered, cancellation, options);
        }
        catch
        {
            Settle();
            throw;
        }
    }

    /// <summary>
    /// Ends when every record is acknowledged. Throws the first <see cref="PublishException"/> when all outcomes are
    /// known and some record failed; nothing may be added afterwards.
    /// </summary>
    public async Task CompleteAsync(CancellationToken cancellation)
    {
        Settle();
        await settled.Task.WaitAsync(cancellation);
        if (firstFailure is not null)
            throw firstFailure;
    }

    private void Delivered(PublishException? failure)
    {
        if (failure is not null)
        {
            Interlocked.Increment(ref failed);
            Interlocked.CompareExchange(ref firstFailure, failure, null);
        }

        Settle();
    }

    private void Settle()
    {
        if (Interlocked.Decrement(ref pending) == 0)
            settled.TrySetResult();
    }
}
