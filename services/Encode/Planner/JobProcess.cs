using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.Logging;

namespace EventStream.Encode.Planner;

/// <summary>
/// Decides on what is reported of a video and its tasks. The decision's commands and facts are stored in one append,
/// and the relay carries them to their topics; a report that comes again adds nothing.
/// </summary>
public sealed partial class JobProcess(
    Decider<EncodeJob> jobs,
    TaskHeartbeats heartbeats,
    FirstLane firstLane,
    LanePace pace,
    RungDemand demand,
    Func<JobRules> rules,
    TimeProvider clock,
    ILogger<JobProcess> logger
)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Handles one message of <c>video.events</c> or <c>encode.events</c>; those of no concern are passed over. While
    /// the store is away it waits, uncommitted: a report never becomes a dead letter for that.
    /// </summary>
    public async Task HandleAsync(ConsumedMessage consumed, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await DecideAsync(consumed, cancellation);
                await heartbeats.RecordAsync(consumed.Message, cancellation);
                return;
            }
            catch (Exception e) when (e is System.Data.Common.DbException or TimeoutException)
            {
                Waiting(logger, consumed.Topic, e.Message);
                await Task.Delay(RetryDelay, clock, cancellation);
            }
        }
    }

    /// <summary>
    /// Decides on the silence of a job's tasks. What was received before <paramref name="since"/>, when this planner
    /// began to listen, counts as received then. Returns what was added.
    /// </summary>
    public async Task<IReadOnlyList<IMessage>> HandleSilenceAsync(
        VideoId video,
        SilenceBounds bounds,
        DateTimeOffset since,
        CancellationToken cancellation
    )
    {
        var known = (await heartbeats.OfAsync([video], cancellation))[video]
            .ToDictionary(
                heartbeat => heartbeat.Task,
                heartbeat => new Heartbeat(
                    heartbeat.Attempt,
                    heartbeat.Worker,
                    heartbeat.ReceivedAt > since ? heartbeat.ReceivedAt : since
                ),
                StringComparer.Ordinal
            );
        var decided = await jobs.DecideAsync(
            video.Value,
            job => job.DecideStalled(known.GetValueOrDefault, bounds, rules(), clock.GetUtcNow()),
            EventMetadata.Current(correlation: video.ToString()),
            cancellation
        );
        foreach (var message in decided.Events)
            Stalled(logger, video, message);
        await firstLane.RecordAsync(decided.State, decided.Events, cancellation);
        // A start that was delivered again after the end of its job left a heartbeat behind.
        if (!decided.State.Open)
            await heartbeats.EndAllAsync(video, cancellation);
        return decided.Events;
    }

    private async Task DecideAsync(ConsumedMessage consumed, CancellationToken cancellation)
    {
        if (consumed.Message is EncodeTaskStarted { Task: not (EncodeTasks.Probe or EncodeTasks.Audio) } started)
        {
            await firstLane.BeginAsync(started.VideoId, cancellation);
            await ReleaseAsync(cancellation);
        }

        if (consumed.Message is VideoEditionPublished published)
            await demand.ReplaceAsync(published.VideoId, published.Edition, cancellation);
        if (VideoOf(consumed.Message) is not { } video)
            return;
        var trace = CloudEvents.CurrentTraceParent() ?? consumed.TraceParent;
        var hold =
            consumed.Message is not (VideoUploaded or SourceProbed)
            && await firstLane.IsWaitingAsync(video, cancellation);
        var decided = await jobs.DecideAsync(
            video.Value,
            job => job.Decide(consumed.Message, rules() with { Hold = hold }, clock.GetUtcNow()),
            new EventMetadata(trace, video.ToString(), consumed.EventId),
            cancellation
        );
        await firstLane.RecordAsync(decided.State, decided.Events, cancellation);
        if (decided.Events.Count > 0)
            await pace.LearnAsync(decided.State, consumed.Message, cancellation);
        if (consumed.Message is VideoDeleted)
            await demand.RemoveAsync(video, cancellation);
        else if (decided.Events.Count > 0 && decided.State.Deferred.Count > 0)
            await demand.AddAsync(video, cancellation);
        if (!decided.State.IsBeginning)
            await ReleaseAsync(cancellation);
    }

    /// <summary>Sends what was held, where nothing holds it any more. Returns how many messages were added.</summary>
    public async Task<int> ReleaseAsync(CancellationToken cancellation)
    {
        var added = 0;
        foreach (var video in await firstLane.ReleasableAsync(cancellation))
        {
            var decided = await jobs.DecideAsync(
                video.Value,
                job => job.DecideRelease(rules(), clock.GetUtcNow()),
                EventMetadata.Current(correlation: video.ToString()),
                cancellation
            );
            await firstLane.RecordAsync(decided.State, decided.Events, cancellation);
            added += decided.Events.Count;
        }

        return added;
    }

    /// <summary>The video of a message that a job decides on.</summary>
    private static VideoId? VideoOf(IMessage message) =>
        message switch
        {
            VideoUploaded e => e.VideoId,
            VideoDeleted e => e.VideoId,
            VideoEncodeCancelled e => e.VideoId,
            SourceProbed e => e.VideoId,
            SourceRejected e => e.VideoId,
            RenditionEncoded e => e.VideoId,
            ChunkEncoded e => e.VideoId,
            ThumbnailsMade e => e.VideoId,
            SubtitlesMade e => e.VideoId,
            SourceAnalysed e => e.VideoId,
            QualityMeasured e => e.VideoId,
            EncodeTaskFailed e => e.VideoId,
            _ => null,
        };

    [LoggerMessage(Level = LogLevel.Warning, Message = "A message of {Topic} waits for the store: {Cause}")]
    private static partial void Waiting(ILogger logger, string topic, string cause);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A task of video {Video} is stalled: {Decision}")]
    private static partial void Stalled(ILogger logger, VideoId video, IMessage decision);
}
