using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.Logging;

namespace EventStream.Encode.Planner;

/// <summary>
/// Works one message into its job: decide, store, then publish what is owed. A message that comes again stores
/// nothing and publishes the same again.
/// </summary>
public sealed partial class JobProcess(
    Repository<EncodeJob> jobs, IEventPublisher publisher, Outbox outbox, JobRules rules, TaskNews news,
        TimeProvider clock,
    ILogger<JobProcess> logger)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Takes one message of <c>video.events</c> or <c>encode.events</c>; those of no concern are passed over.
    /// </summary>
    public async Task HandleAsync(ConsumedMessage consumed, CancellationToken cancellation)
    {
        var message = consumed.Message;
        if (message is EncodeTaskProgressed) news.Hear(message);
        if (VideoOf(message) is not { } video) return;
        while (true)
        {
            try
            {
                await WorkInAsync(video, message, consumed.EventId, cancellation);
                news.Hear(message);
                return;
            }
            catch (Exception e) when (e is System.Data.Common.DbException or PublishException or TimeoutException)
            {
                // The store or the broker is away. The message waits, uncommitted, rather than become a dead letter.
                Waiting(logger, consumed.Topic, video, e.Message);
                await Task.Delay(RetryDelay, clock, cancellation);
            }
        }
    }

    /// <summary>Stores and publishes what follows from a quiet job. Returns the facts that were added.</summary>
    public async Task<IReadOnlyList<IEvent>> HandleQuietAsync(
        VideoId video, TimeSpan runningQuietMax, TimeSpan waitingQuietMax, CancellationToken cancellation)
    {
        var decided = await jobs.DecideAsync(
            video.ToString(),
            job => EncodeJob.DecideQuiet(
                job, task => news.LastHeard(video, task), runningQuietMax, waitingQuietMax, rules, clock.GetUtcNow()),
            EventMetadata.Current(EncodeJob.PlannerName), cancellation);
        IReadOnlyList<IEvent> facts = [.. decided.Events.Cast<IEvent>()];
        foreach (var fact in facts)
        {
            Quiet(logger, video, fact);
            await PublishAsync(outbox.ForQuiet(decided.State, fact), cancellation);
        }

        return facts;
    }

    private async Task WorkInAsync(VideoId video, IMessage message, string eventId, CancellationToken cancellation)
    {
        var decided = await jobs.DecideAsync(
            video.ToString(), job => EncodeJob.Decide(job, message, rules, clock.GetUtcNow()),
            EventMetadata.Current(EncodeJob.PlannerName, causation: eventId), cancellation);
        await PublishAsync(outbox.For(decided.State, message), cancellation);
    }

    private async Task PublishAsync(IEnumerable<Outgoing> owed, CancellationToken cancellation)
    {
        foreach (var (topic, key, message, time, id) in owed)
            await publisher.PublishAsync(topic, key, message, time, cancellation, new PublishOptions(id));
    }

    private static VideoId? VideoOf(IMessage message) => message switch
    {
        VideoUploaded e => e.VideoId,
        SourceProbed e => e.VideoId,
        SourceRejected e => e.VideoId,
        EncodeTaskStarted e => e.VideoId,
        RenditionEncoded e => e.VideoId,
        ThumbnailsMade e => e.VideoId,
        EncodeTaskFailed e => e.VideoId,
        _ => null,
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "A message of {Topic} for video {Video} waits: {Cause}")]
    private static partial void Waiting(ILogger logger, string topic, VideoId video, string cause);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Video {Video} is quiet: {Fact}")]
    private static partial void Quiet(ILogger logger, VideoId video, IEvent fact);
}
