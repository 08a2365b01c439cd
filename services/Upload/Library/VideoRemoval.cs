using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.Media;
using EventStream.Upload.Pulls;
using EventStream.Upload.Uploads;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Upload.Library;

/// <summary>
/// Deletes videos: the fact first, then what the fact makes useless: the source, what was encoded of it, captions,
/// its tasks and its place in the quota. The history stays.
/// </summary>
/// <remarks>
/// A worker may be busy with the video when it is deleted, and stores what it made later. So media is looked for again
/// after each of <see cref="Delays"/>, by whichever replica comes first. A mark stops the workers until the last pass.
/// </remarks>
public sealed partial class VideoRemoval(
    Decider<Video> videos,
    RemovalTable removals,
    UploadTable table,
    UploadService uploads,
    PullTable pulls,
    EncodeTaskTable tasks,
    IMediaStore media,
    TimeProvider time,
    ILogger<VideoRemoval> log
) : BackgroundService
{
    /// <summary>How often due removals are looked for.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Waits between one removal of a video's media and the next; after the last one nobody works on it any more.
    /// </summary>
    public static readonly IReadOnlyList<TimeSpan> Delays =
    [
        TimeSpan.FromMinutes(1),
        TimeSpan.FromMinutes(10),
        TimeSpan.FromHours(1),
        TimeSpan.FromHours(24),
    ];

    /// <summary>How long a request may take from asking to the fact; after that it has failed.</summary>
    public static readonly TimeSpan RequestMax = TimeSpan.FromMinutes(5);

    private const int DueMax = 100;

    /// <summary>The folder of everything that is encoded of a video.</summary>
    public static string EncodedPrefix(VideoId id) => $"media/{id}/";

    /// <summary>The folder of the captions that a publisher sent: editions come and go, and they stay.</summary>
    public static string CaptionsPrefix(VideoId id) => $"captions/{id}/";

    private static string SourcePrefix(VideoId id) => $"sources/{id}/";

    /// <summary>
    /// Deletes a video on behalf of <paramref name="actor"/>; nothing happens where it is deleted already.
    /// <paramref name="check"/> may refuse on the state that the decision is taken on. Throws
    /// <see cref="UploadProblemException"/> (423) while its bytes are being written.
    /// </summary>
    public async Task DeleteAsync(VideoId id, string actor, Action<Video> check, CancellationToken cancellation)
    {
        check((await videos.LoadAsync(id.Value, cancellation)).State);
        var now = time.GetUtcNow();
        await removals.AskAsync(id, now, now + Interval, cancellation);
        var before = (await videos.LoadAsync(id.Value, cancellation)).State;
        foreach (var edition in new[] { before.Edition, before.NextEdition }.OfType<VideoId>())
            await removals.AskAsync(edition, now, now + Interval, cancellation);
        await pulls.EndAsync(id, cancellation);
        if (await table.FindAsync(id, cancellation) is { State: UploadRecord.Open } open)
            await uploads.EndAsync(
                open,
                UploadRecord.Terminated,
                "The publisher deleted the video.",
                "Upload the file again.",
                cancellation
            );
        await videos.DecideAsync(
            id.Value,
            video =>
            {
                check(video);
                return video.Delete(time.GetUtcNow());
            },
            EventMetadata.Current(actor),
            cancellation
        );
        Deleted(id);
        try
        {
            await RemoveAsync(id, isLast: false, cancellation);
        }
        catch (Exception e) when (e is IOException or Npgsql.NpgsqlException)
        {
            // The fact stands; the media is removed as soon as the store answers.
            Left(id, e.Message);
        }
    }

    /// <summary>One pass over the removals whose time has come.</summary>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        IReadOnlyList<Removal> due;
        do
        {
            due = await removals.DueAsync(time.GetUtcNow(), DueMax, cancellation);
            foreach (var removal in due)
            {
                try
                {
                    await SweepAsync(removal, cancellation);
                }
                catch (Exception e) when (e is IOException or UploadProblemException)
                {
                    // The store is away, or somebody writes to the upload; the others are not to wait for that.
                    Left(removal.VideoId, e.Message);
                    var again = time.GetUtcNow() + Interval;
                    await removals.PassedAsync(removal.VideoId, removal.Passes, again, cancellation);
                }
            }
        } while (due.Count == DueMax);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await SweepAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                Failed(e.Message);
            }

            await Task.Delay(Interval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task SweepAsync(Removal removal, CancellationToken cancellation)
    {
        var (id, now) = (removal.VideoId, time.GetUtcNow());
        var video = (await videos.LoadAsync(id.Value, cancellation)).State;
        if (video.Status != VideoStatus.Deleted && await IsReplacedAsync(video, cancellation))
        {
            await RetireAsync(video, cancellation);
            return;
        }

        if (video.Status != VideoStatus.Deleted)
        {
            // The request has not come to the fact, or was refused.
            if (removal.AskedAt + RequestMax < now)
                await removals.EndAsync(id, cancellation);
            else
                await removals.PassedAsync(id, removal.Passes, now + Interval, cancellation);
            return;
        }

        await RemoveAsync(id, isLast: removal.Passes == Delays.Count, cancellation);
        if (removal.Passes < Delays.Count)
            await removals.PassedAsync(id, removal.Passes + 1, now + Delays[removal.Passes], cancellation);
        else
            await removals.EndAsync(id, cancellation);
    }

    /// <summary>Whether an edition plays in place of what the video, or an edition of it, has.</summary>
    private async Task<bool> IsReplacedAsync(Video video, CancellationToken cancellation)
    {
        if (video.EditionOf is not { } id)
            return video.Edition is not null;
        var of = (await videos.LoadAsync(id.Value, cancellation)).State;
        return of.Status == VideoStatus.Deleted || (of.Edition != video.Id && of.NextEdition != video.Id);
    }

    /// <summary>An edition that is not played any more is deleted; of a video, what its edition does not use.</summary>
    private async Task RetireAsync(Video video, CancellationToken cancellation)
    {
        if (video.EditionOf is not null)
        {
            await DeleteAsync(video.Id, video.Publisher, _ => { }, cancellation);
            return;
        }

        await RemoveAsync(
            video.Id,
            [EncodedPrefix(video.Id), SourcePrefix(video.Id)],
            key => key == video.SourceKey,
            cancellation
        );
        // The bytes of the edition's upload count in its place.
        if (video.SourceKey?.StartsWith(SourcePrefix(video.Id), StringComparison.Ordinal) != true)
            await table.ForgetAsync(video.Id, cancellation);
        await removals.EndAsync(video.Id, cancellation);
    }

    private async Task RemoveAsync(VideoId id, bool isLast, CancellationToken cancellation)
    {
        await table.ForgetAsync(id, cancellation);
        await tasks.ForgetAsync(id, cancellation);
        var stop = EncodeStop.KeyOf(id);
        if (!isLast)
            await media.WriteAsync(stop, new MemoryStream(), cancellation);
        await RemoveAsync(
            id,
            [EncodedPrefix(id), CaptionsPrefix(id), SourcePrefix(id), $"encode/{id}/"],
            key => key == stop && !isLast,
            cancellation
        );
    }

    private async Task RemoveAsync(
        VideoId id,
        IEnumerable<string> prefixes,
        Func<string, bool> stays,
        CancellationToken cancellation
    )
    {
        var removed = 0;
        foreach (var prefix in prefixes)
        {
            await foreach (var key in media.ListAsync(prefix, cancellation))
            {
                if (stays(key))
                    continue;
                await media.DeleteAsync(key, cancellation);
                removed++;
            }
        }

        if (removed > 0)
            Removed(id, removed);
    }

    [LoggerMessage(1, LogLevel.Information, "Video {Id} is deleted.")]
    private partial void Deleted(VideoId id);

    [LoggerMessage(2, LogLevel.Information, "Of video {Id}, which is deleted, {Count} files were removed.")]
    private partial void Removed(VideoId id, int count);

    [LoggerMessage(3, LogLevel.Warning, "The media of video {Id}, which is deleted, is not removed yet: {Cause}")]
    private partial void Left(VideoId id, string cause);

    [LoggerMessage(4, LogLevel.Warning, "The media of deleted videos was not looked through: {Cause}")]
    private partial void Failed(string cause);
}
