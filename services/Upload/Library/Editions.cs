using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.Media;

namespace EventStream.Upload.Library;

/// <summary>
/// Makes videos again, of another file or of their own. An edition is a video like any other to those who upload and
/// encode it; it takes the place of what its video plays once it is published. What it replaces is kept for
/// <see cref="KeptFor"/>, for players that began with it.
/// </summary>
public sealed class Editions(Decider<Video> videos, RemovalTable removals, IMediaStore media, TimeProvider time)
{
    public static readonly TimeSpan KeptFor = TimeSpan.FromDays(1);

    /// <summary>
    /// Throws <see cref="UploadProblemException"/> where a publisher has no such video (404), or it is deleted (410).
    /// </summary>
    public async Task CheckAsync(VideoId id, string publisher, CancellationToken cancellation)
    {
        var video = (await videos.LoadAsync(id.Value, cancellation)).State;
        if (video.Status == VideoStatus.None || video.Publisher != publisher || video.EditionOf is not null)
            throw VideosApi.Missing($"{id}");
        VideosApi.RefuseDeleted(video);
    }

    /// <summary>An edition is on its way; one that was before it is given up.</summary>
    public async Task RequestAsync(VideoId id, VideoId edition, string actor, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        if ((await videos.LoadAsync(id.Value, cancellation)).State.NextEdition is { } former && former != edition)
            await removals.AskAsync(former, now, now, cancellation);
        await videos.DecideAsync(
            id.Value,
            video => video.RequestEdition(edition, now),
            EventMetadata.Current(actor),
            cancellation
        );
    }

    /// <summary>
    /// Begins to encode a video again, from the file that is there, and returns the edition that it becomes. Throws
    /// <see cref="UploadProblemException"/> (409) where there is no file.
    /// </summary>
    public async Task<VideoId> EncodeAgainAsync(Video video, string actor, CancellationToken cancellation)
    {
        if (video.SourceKey is not { } source || await media.StatAsync(source, cancellation) is null)
            throw new UploadProblemException(409, "There is no file to encode", "Upload one in place of the video.");
        var now = time.GetUtcNow();
        var edition = VideoId.New(now);
        await RequestAsync(video.Id, edition, actor, cancellation);
        await videos.DecideAsync(
            edition.Value,
            none =>
            {
                var registered = none.Register(
                        edition,
                        video.Publisher,
                        video.Title,
                        video.FileName,
                        video.SizeBytes,
                        now,
                        video.Id
                    )
                    .ToList();
                var after = registered.Aggregate(none, (state, e) => state.Fold(e));
                return [.. registered, .. after.CompleteUpload(source, video.SizeBytes, video.Sha256!, now)];
            },
            EventMetadata.Current(actor),
            cancellation
        );
        return edition;
    }

    /// <summary>Stops what is being encoded of a video, and the edition that is on its way.</summary>
    public async Task CancelAsync(Video video, string actor, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        if (video.NextEdition is { } next)
            await removals.AskAsync(next, now, now, cancellation);
        var decided = await videos.DecideAsync(
            video.Id.Value,
            current => current.Cancel(now),
            EventMetadata.Current(actor),
            cancellation
        );
        if (decided.State.Status == VideoStatus.Cancelled)
            await media.WriteAsync(EncodeStop.KeyOf(video.Id), new MemoryStream(), cancellation);
    }

    /// <summary>An edition is published: it takes its place, or is removed where it is not wanted any more.</summary>
    public async Task PublishedAsync(Video edition, EventMetadata metadata, CancellationToken cancellation)
    {
        var (id, now) = (edition.EditionOf!.Value, time.GetUtcNow());
        var before = (await videos.LoadAsync(id.Value, cancellation)).State;
        if (before.NextEdition == edition.Id)
            await removals.AskAsync(before.Edition ?? id, now, now + KeptFor, cancellation);
        else if (before.Edition != edition.Id)
            await removals.AskAsync(edition.Id, now, now, cancellation);
        await videos.DecideAsync(
            id.Value,
            video => video.PublishEdition(edition, edition.PublishedAt ?? now),
            metadata,
            cancellation
        );
    }
}
