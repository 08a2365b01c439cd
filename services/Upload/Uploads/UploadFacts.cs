using System.Diagnostics;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.Media;
using EventStream.Messaging;
using EventStream.Upload.Library;
using EventStream.Upload.Tus;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace EventStream.Upload.Uploads;

/// <summary>
/// What becomes of an upload: its video is registered, uploaded or rejected, each a fact in the event store before the
/// upload is closed and the client answered. A part is no video and raises no event.
/// </summary>
public sealed partial class UploadFacts(
    UploadTable table,
    IMediaStore media,
    UploadHashes hashes,
    Decider<Video> videos,
    Editions editions,
    TimeProvider time,
    ILogger<UploadFacts> log
)
{
    /// <summary>
    /// Throws <see cref="UploadProblemException"/> where an upload is to replace a video that its publisher does not
    /// have (404), or has deleted (410).
    /// </summary>
    internal Task CheckAsync(string publisher, TusMetadata metadata, CancellationToken cancellation) =>
        metadata.Replaces is { } of ? editions.CheckAsync(of, publisher, cancellation) : Task.CompletedTask;

    /// <summary>The video of an upload, or the edition of one, is announced.</summary>
    internal async Task RegisterAsync(UploadRecord upload, TusMetadata metadata, CancellationToken cancellation)
    {
        var (id, bytes) = (upload.VideoId, upload.LengthBytes ?? 0);
        if (!upload.IsPartial && metadata.Replaces is { } of)
            await editions.RequestAsync(of, id, upload.Publisher, cancellation);
        await DecideAsync(
            upload,
            video =>
                video.Register(
                    id,
                    upload.Publisher,
                    metadata.Title,
                    metadata.FileName,
                    bytes,
                    upload.CreatedAt,
                    metadata.Replaces
                ),
            cancellation
        );
        Registered(id, upload.Publisher, bytes);
    }

    /// <summary>
    /// Takes the hash of the whole file, records the fact in the trace that the upload began, then closes the upload.
    /// </summary>
    public async Task CompleteAsync(UploadRecord upload, CancellationToken cancellation)
    {
        using var span = ActivityContext.TryParse(upload.TraceParent, null, isRemote: true, out var parent)
            ? Telemetry.Source.StartActivity("complete upload", ActivityKind.Internal, parent)
            : null;
        await media.SealAsync(upload.SourceKey, cancellation);
        var sha256 = await hashes.WholeAsync(upload, cancellation);
        if (upload.Sha256 is not null && upload.Sha256 != sha256)
        {
            var reason = $"The file's SHA-256 is {sha256} and {upload.Sha256} was announced.";
            await RejectAsync(upload, UploadRecord.Rejected, reason, "Upload the file again.", cancellation);
            throw new UploadProblemException(
                StatusCodes.Status422UnprocessableEntity,
                "The file's checksum differs",
                $"{reason} The upload was rejected. Create a new upload and send the file again."
            );
        }

        await DecideAsync(
            upload,
            video => video.CompleteUpload(upload.SourceKey, upload.LengthBytes!.Value, sha256, time.GetUtcNow()),
            cancellation
        );
        await table.EndAsync(upload.VideoId, UploadRecord.Completed, cancellation);
        hashes.Forget(upload.VideoId);
        Completed(upload.VideoId, upload.LengthBytes!.Value, sha256);
    }

    /// <summary>Frees the bytes of an upload, rejects its video with the reason, and closes it.</summary>
    public async Task RejectAsync(
        UploadRecord upload,
        string state,
        string reason,
        string remedy,
        CancellationToken cancellation
    )
    {
        await DecideAsync(upload, video => video.Reject(reason, remedy, time.GetUtcNow()), cancellation);
        await media.DeleteAsync(upload.SourceKey, cancellation);
        foreach (var part in upload.Parts)
            await media.DeleteAsync(UploadRecord.PartKey(part), cancellation);
        await table.EndAsync(upload.VideoId, state, cancellation);
        hashes.Forget(upload.VideoId);
        Ended(upload.VideoId, state, reason);
    }

    private Task DecideAsync(
        UploadRecord upload,
        Func<Video, IEnumerable<IEvent>> decide,
        CancellationToken cancellation
    ) =>
        upload.IsPartial
            ? Task.CompletedTask
            : videos.DecideAsync(upload.VideoId.Value, decide, EventMetadata.Current(upload.Publisher), cancellation);

    [LoggerMessage(1, LogLevel.Information, "Video {Id} of {Publisher} is registered, {Bytes} bytes to come.")]
    private partial void Registered(VideoId id, string publisher, long bytes);

    [LoggerMessage(2, LogLevel.Information, "Video {Id} is uploaded: {Bytes} bytes, SHA-256 {Sha256}.")]
    private partial void Completed(VideoId id, long bytes, string sha256);

    [LoggerMessage(3, LogLevel.Information, "Upload of video {Id} was {State}: {Reason}")]
    private partial void Ended(VideoId id, string state, string reason);
}
