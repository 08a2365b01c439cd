using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Threading.RateLimiting;
using EventStream.Contracts;
using EventStream.Hosting.Access;
using EventStream.Hosting.OpenApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;

namespace EventStream.Upload.Library;

/// <summary>
/// How far a video is: its status, bytes stored of bytes announced, the part of the encoding that is done in 0..1, and
/// its tasks.
/// </summary>
public sealed record VideoProgress(
    string Status,
    long ReceivedBytes,
    long SizeBytes,
    double EncodedFraction,
    IReadOnlyList<EncodeTask> Tasks,
    string? Problem,
    string? Remedy
)
{
    /// <summary>
    /// The progress of a video as it is now. Every task weighs the same, but the probe and what the video does not wait
    /// for.
    /// </summary>
    public static VideoProgress Of(VideoDetails video)
    {
        var encoding = video
            .Tasks.Where(task => task.Task is not ("probe" or RenditionQuality.Task))
            .Where(task => !VideoRange.IsTask(task.Task) && !PictureCodec.IsTask(task.Task))
            .ToList();
        return new VideoProgress(
            video.Status,
            video.ReceivedBytes,
            video.SizeBytes,
            encoding.Count == 0 ? 0 : encoding.Average(task => task.Fraction),
            video.Tasks,
            video.Problem,
            video.Remedy
        );
    }
}

/// <summary>
/// Server-sent events of a video's progress: <c>progress</c> whenever it changed, whole each time, so that a listener
/// that was away needs nothing of what it missed; <c>end</c> when nothing follows; <c>alive</c> where nothing changes
/// for a while, for proxies. A listener that connects again after <c>end</c> gets 204, which ends an EventSource.
/// </summary>
public sealed class VideoProgressApi(VideoDetailsReader details, IHostApplicationLifetime lifetime, TimeProvider time)
    : IDisposable
{
    /// <summary>Streams of one caller at a time, in this process.</summary>
    public const int ListenersMax = 32;

    /// <summary>The shortest time between two events.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private const string EndId = "end";
    private static readonly TimeSpan QuietMax = TimeSpan.FromSeconds(15);

    private readonly PartitionedRateLimiter<string> places = PartitionedRateLimiter.Create<string, string>(caller =>
        RateLimitPartition.GetConcurrencyLimiter(
            caller,
            _ => new ConcurrencyLimiterOptions { PermitLimit = ListenersMax, QueueLimit = 0 }
        )
    );

    /// <summary>The table of routes.</summary>
    public void Map(IEndpointRouteBuilder routes) =>
        routes
            .MapGroup("/v1/videos")
            .AddEndpointFilter<UploadProblemFilter>()
            .RequireAuthorization(Policies.ReadVideos)
            .MapGet("/{id}/progress", ListenAsync)
            .Describe(
                "Server-sent events of a video's progress: progress, alive and, as the last one, end.",
                404,
                410,
                429
            )
            .TakesHeader("Last-Event-ID", "The id of the last event: after 'end' there is nothing to come, and so 204.")
            .Answers(200, typeof(string), "text/event-stream")
            .Answers(204);

    public void Dispose() => places.Dispose();

    private async Task<IResult> ListenAsync(HttpContext context, string id)
    {
        var video = await details.FindAsync(VideosApi.Parse(id), context.RequestAborted);
        if (video is null || !Ownership.Holds(context, video.Publisher))
            throw VideosApi.Missing(id);
        VideosApi.RefuseDeleted(video);
        if (IsEnded(video) && context.Request.Headers["Last-Event-ID"] == EndId)
            return Results.NoContent();
        var place = places.AttemptAcquire(context.Caller()!.Name);
        if (!place.IsAcquired)
        {
            place.Dispose();
            throw new UploadProblemException(
                StatusCodes.Status429TooManyRequests,
                "Too many streams",
                $"{ListenersMax} at a time are open for this key. Close one, or ask GET /v1/videos/{id} now and then."
            )
            {
                RetryAfterSeconds = "5",
            };
        }

        context.Response.OnCompleted(() =>
        {
            place.Dispose();
            return Task.CompletedTask;
        });
        context.Response.Headers["X-Accel-Buffering"] = "no";
        return TypedResults.ServerSentEvents(EventsAsync(video, lifetime.ApplicationStopping));
    }

    private async IAsyncEnumerable<SseItem<string>> EventsAsync(
        VideoDetails first,
        CancellationToken stopping,
        [EnumeratorCancellation] CancellationToken gone = default
    )
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(gone, stopping);
        var (video, sent, sentAt) = (first, "", time.GetTimestamp());
        while (true)
        {
            var json = JsonSerializer.Serialize(VideoProgress.Of(video), JsonSerializerOptions.Web);
            if (json != sent)
            {
                (sent, sentAt) = (json, time.GetTimestamp());
                yield return new SseItem<string>(json, "progress");
            }
            else if (time.GetElapsedTime(sentAt) > QuietMax)
            {
                sentAt = time.GetTimestamp();
                yield return new SseItem<string>("", "alive");
            }

            if (IsEnded(video))
            {
                yield return new SseItem<string>(json, EndId) { EventId = EndId };
                yield break;
            }

            await Task.Delay(Interval, time, ends.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            // A role that stops ends its streams; listeners connect again and find another replica.
            if (ends.IsCancellationRequested)
                yield break;
            video = await details.FindAsync(VideoId.Parse(video.Id), ends.Token) ?? video;
        }
    }

    private static bool IsEnded(VideoDetails video) =>
        Enum.Parse<VideoStatus>(video.Status, ignoreCase: true)
            is VideoStatus.Published
                or VideoStatus.Rejected
                or VideoStatus.Failed
                or VideoStatus.Cancelled
                or VideoStatus.Deleted;
}
