using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.Media;
using EventStream.Messaging.Kafka;
using EventStream.Upload.Library;
using Microsoft.Extensions.Logging;

namespace EventStream.Upload;

/// <summary>
/// Records in the video what the encoders report on <c>encode.events</c>. A record that comes again decides nothing
/// again; the trace of the record goes on in the events.
/// </summary>
public sealed partial class EncodeReactor(
    Decider<Video> videos,
    EncodeTaskTable tasks,
    Editions editions,
    IMediaStore media,
    TimeProvider time,
    ILogger<EncodeReactor> log
)
{
    /// <summary>The consumer group.</summary>
    public const string Group = "upload-encode-events";

    private static readonly TimeSpan DatabasePause = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Handles one record. While the database or the media store is away it waits: a fact is never given up for that.
    /// </summary>
    public async Task HandleAsync(ConsumedMessage message, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await tasks.RecordAsync(message.Message, cancellation);
                await DecideAsync(message, cancellation);
                return;
            }
            catch (Exception e) when (StoreFailures.IsTransient(e) || e is IOException)
            {
                Waiting(e.Message);
                await Task.Delay(DatabasePause, time, cancellation);
            }
        }
    }

    private Task DecideAsync(ConsumedMessage message, CancellationToken cancellation) =>
        message.Message switch
        {
            SourceProbed e => On(message, e.VideoId, v => v.RecordProbe(e.Source, e.ProbedAt), e.Worker, cancellation),
            SourceRejected e => On(
                message,
                e.VideoId,
                v => v.Reject(e.Reason, e.Remedy, e.RejectedAt),
                e.Worker,
                cancellation
            ),
            EncodePlanned e => On(
                message,
                e.VideoId,
                v => v.RecordPlan(e.Ladder, e.SegmentSeconds, e.PlannedAt),
                "planner",
                cancellation
            ),
            RenditionEncoded e => On(
                message,
                e.VideoId,
                v => v.RecordRenditions(e.All(), e.EncodedAt),
                e.Worker,
                cancellation
            ),
            ChunkEncoded { IsFirst: true, Parts: [var part] } e => On(
                message,
                e.VideoId,
                v => v.RecordChunk(part, e.Number, e.Of, e.EncodedAt),
                e.Worker,
                cancellation
            ),
            ThumbnailsMade e => On(
                message,
                e.VideoId,
                v => v.RecordThumbnails(e.Thumbnails, e.MadeAt),
                e.Worker,
                cancellation
            ),
            SubtitlesMade e => On(
                message,
                e.VideoId,
                v => v.RecordSubtitles(e.Texts, e.MadeAt),
                e.Worker,
                cancellation
            ),
            EncodeTaskFinished { Task: Thumbnails.Task, Cause: { } cause } e => On(
                message,
                e.VideoId,
                v => v.RecordThumbnailsMissing(cause, e.FinishedAt),
                e.Worker,
                cancellation
            ),
            EncodeTaskFinished { Task: SourceText.Task, Cause: not null } e => On(
                message,
                e.VideoId,
                v => v.RecordSubtitles([], e.FinishedAt),
                e.Worker,
                cancellation
            ),
            EncodeLadderChosen e => On(
                message,
                e.VideoId,
                v => v.RecordLadder(e.Ladder, e.ChosenAt),
                "planner",
                cancellation
            ),
            EncodeRungsDeferred e => On(
                message,
                e.VideoId,
                v => v.RecordDeferred(e.Rungs, e.DeferredAt),
                "planner",
                cancellation
            ),
            EncodeRungsEvicted e => EvictAsync(message, e, cancellation),
            QualityMeasured e => On(
                message,
                e.VideoId,
                v => v.RecordQuality(e.Qualities, e.MeasuredAt),
                e.Worker,
                cancellation
            ),
            // What becomes of the job without its by-products is the planner's decision.
            EncodeTaskFailed
            {
                WillRetry: false,
                Task: not (Thumbnails.Task or SourceText.Task or RenditionQuality.Task or LadderSample.Task)
                    and var task
            } e when !VideoRange.IsTask(task) && !PictureCodec.IsTask(task) => On(
                message,
                e.VideoId,
                v => v.RecordFailure(e.Task, e.Cause, e.FailedAt),
                e.Worker,
                cancellation
            ),
            _ => Task.CompletedTask,
        };

    /// <summary>The fact first, then the files, also where the report comes again.</summary>
    private async Task EvictAsync(ConsumedMessage message, EncodeRungsEvicted e, CancellationToken cancellation)
    {
        await On(message, e.VideoId, v => v.RecordEvicted(e.Rungs, e.EvictedAt), "planner", cancellation);
        foreach (var prefix in e.Prefixes)
        {
            await foreach (var key in media.ListAsync($"{prefix}/", cancellation))
                await media.DeleteAsync(key, cancellation);
        }
    }

    private async Task On(
        ConsumedMessage message,
        VideoId id,
        Func<Video, IEnumerable<IEvent>> decide,
        string actor,
        CancellationToken cancellation
    )
    {
        var trace = CloudEvents.CurrentTraceParent() ?? message.TraceParent;
        var metadata = new EventMetadata(trace, id.ToString(), message.EventId, actor);
        var decided = await videos.DecideAsync(id.Value, decide, metadata, cancellation);
        // Also where the report comes again: the process may have died in between.
        if (decided.State is { Status: VideoStatus.Published, EditionOf: not null } edition)
            await editions.PublishedAsync(edition, metadata, cancellation);
    }

    [LoggerMessage(1, LogLevel.Warning, "Waiting for PostgreSQL or the media: {Cause}")]
    private partial void Waiting(string cause);
}
