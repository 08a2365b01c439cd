using System.Diagnostics;
using System.Security.Cryptography;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.Media;
using EventStream.Messaging;
using EventStream.Upload.Tus;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace EventStream.Upload.Uploads;

/// <summary>
/// Takes files: the offset of an upload is what the media store has, so that nothing but bytes on disk is promised. A
/// finished upload is a fact in the event store before the client hears of it.
/// </summary>
public sealed partial class UploadService(
    UploadTable table, UploadLeases leases, IMediaStore media, Repository<Video> videos, UploadOptions options,
    TimeProvider time, ILogger<UploadService> log)
{
    /// <summary>
    /// Announces a file of a length in bytes and returns its upload. Throws <see cref="UploadProblemException"/>.
    /// </summary>
    internal async Task<UploadRecord> CreateAsync(
        string publisher, long lengthBytes, TusMetadata metadata, CancellationToken cancellation)
    {
        if (lengthBytes == 0)
            throw new UploadProblemException(
                StatusCodes.Status422UnprocessableEntity, "The file is empty",
                $"'{metadata.FileName}' has 0 bytes, which is no video. Choose the file again.");
        if (lengthBytes > options.MaxSizeBytes)
            throw new UploadProblemException(
                StatusCodes.Status413PayloadTooLarge, "The file is too large",
                $"'{metadata.FileName}' has {lengthBytes} bytes and at most {options.MaxSizeBytes} are taken. Send a "
                + "smaller file, or raise Upload:MaxSizeBytes.");
        if (await table.CountOpenAsync(publisher, cancellation) >= options.OpenUploadsMax)
            throw new UploadProblemException(
                StatusCodes.Status429TooManyRequests, "Too many unfinished uploads",
                $"{publisher} has {options.OpenUploadsMax} of them. Finish or delete some, or wait until they expire.");
        var now = time.GetUtcNow();
        var upload = new UploadRecord(
            VideoId.New(now), publisher, lengthBytes, metadata.Raw, metadata.Sha256, UploadRecord.Open,
                Activity.Current?.Id,
            now, now + options.ExpiresAfter);
        await table.InsertAsync(upload, cancellation);
        await videos.DecideAsync(
            upload.VideoId.ToString(),
            video => video.Register(upload.VideoId, publisher, metadata.Title, metadata.FileName, lengthBytes, now),
            EventMetadata.Current(publisher), cancellation);
        Registered(upload.VideoId, publisher, lengthBytes);
        return upload;
    }

    /// <summary>
    /// An upload of a publisher that can still be used. Throws <see cref="UploadProblemException"/> (404, 403, 410).
    /// </summary>
    public async Task<UploadRecord> FindAsync(VideoId id, string publisher, CancellationToken cancellation)
    {
        var upload = await table.FindAsync(id, cancellation) ?? throw new UploadProblemException(
            StatusCodes.Status404NotFound,
                "There is no such upload", $"'{id}' was never created here. Create an upload first.");
        if (upload.Publisher != publisher)
            throw new UploadProblemException(
                StatusCodes.Status403Forbidden,
                    "The upload is another publisher's", $"Use the key that created '{id}'.");
        if (upload.State is UploadRecord.Open or UploadRecord.Completed) return upload;
        throw new UploadProblemException(
            StatusCodes.Status410Gone,
                $"The upload was {upload.State}", $"Nothing of '{id}' is left. Create a new upload.");
    }

    /// <summary>Bytes stored so far.</summary>
    public async Task<long> OffsetAsync(UploadRecord upload, CancellationToken cancellation) =>
        upload.State == UploadRecord.Completed
            ? upload.LengthBytes
            : (await media.StatAsync(upload.SourceKey, cancellation))?.SizeBytes ?? 0;

    /// <summary>
    /// Appends a chunk and returns the new offset; the last one completes the upload. What arrived before a cut
    /// stays, unless the chunk has a checksum. Throws <see cref="UploadProblemException"/>.
    /// </summary>
    internal async Task<long> AppendAsync(
        UploadRecord upload, long offset, Stream body, ChunkChecksum? checksum, CancellationToken cancellation)
    {
        await using var lease = await leases.TakeAsync(upload.VideoId, cancellation);
        var held = await OffsetAsync(upload, cancellation);
        if (held != offset) throw OffsetDiffers(offset, held);
        if (upload.State == UploadRecord.Completed) return held;
        await using var bounded = new BoundedBody(body, upload.LengthBytes - offset);
        await using var chunk = checksum is null ? bounded : await checksum.SetAsideAsync(bounded, lease.Token);
        try
        {
            held = await media.AppendAsync(upload.SourceKey, offset, chunk, lease.Token);
        }
        catch (MediaOffsetException e)
        {
            throw OffsetDiffers(e.Expected, e.Actual);
        }

        await table.ExtendAsync(upload.VideoId, time.GetUtcNow() + options.ExpiresAfter, CancellationToken.None);
        if (held == upload.LengthBytes) await CompleteAsync(upload, lease.Token);
        return held;
    }

    /// <summary>
    /// Finishes an upload whose bytes are all there but whose completion was cut short. Used by the sweeper.
    /// </summary>
    internal async Task RecoverAsync(UploadRecord upload, CancellationToken cancellation)
    {
        await using var lease = await leases.TakeAsync(upload.VideoId, cancellation);
        await CompleteAsync(upload, lease.Token);
    }

    /// <summary>Ends an unfinished upload and frees its bytes; the video is rejected with the reason.</summary>
    internal async Task EndAsync(
        UploadRecord upload, string state, string reason, string remedy, CancellationToken cancellation)
    {
        await using var lease = await leases.TakeAsync(upload.VideoId, cancellation);
        await RejectAsync(upload, state, reason, remedy, cancellation);
    }

    /// <summary>
    /// Hashes the whole file, records the fact in the trace that the upload began, then closes the upload.
    /// </summary>
    private async Task CompleteAsync(UploadRecord upload, CancellationToken cancellation)
    {
        using var span = ActivityContext.TryParse(upload.TraceParent, null, isRemote: true, out var parent)
            ? Telemetry.Source.StartActivity("complete upload", ActivityKind.Internal, parent)
            : null;
        var sha256 = await HashAsync(upload.SourceKey, cancellation);
        if (upload.Sha256 is not null && upload.Sha256 != sha256)
        {
            var reason = $"The file's SHA-256 is {sha256} and {upload.Sha256} was announced.";
            await RejectAsync(upload, UploadRecord.Rejected, reason, "Upload the file again.", cancellation);
            throw new UploadProblemException(
                StatusCodes.Status422UnprocessableEntity, "The file's checksum differs",
                $"{reason} The upload was rejected. Create a new upload and send the file again.");
        }

        await videos.DecideAsync(
            upload.VideoId.ToString(),
            video => video.CompleteUpload(upload.SourceKey, upload.LengthBytes, sha256, time.GetUtcNow()),
            EventMetadata.Current(upload.Publisher), cancellation);
        await table.EndAsync(upload.VideoId, UploadRecord.Completed, cancellation);
        Completed(upload.VideoId, upload.LengthBytes, sha256);
    }

    private async Task RejectAsync(
        UploadRecord upload, string state, string reason, string remedy, CancellationToken cancellation)
    {
        await videos.DecideAsync(
            upload.VideoId.ToString(), video => video.Reject(reason, remedy, time.GetUtcNow()),
            EventMetadata.Current(upload.Publisher), cancellation);
        await media.DeleteAsync(upload.SourceKey, cancellation);
        await table.EndAsync(upload.VideoId, state, cancellation);
        Ended(upload.VideoId, state, reason);
    }

    private async Task<string> HashAsync(string key, CancellationToken cancellation)
    {
        await using var content = await media.OpenReadAsync(key, cancellation);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellation));
    }

    private static UploadProblemException OffsetDiffers(long sent, long held) => new(
        StatusCodes.Status409Conflict, "The offset differs",
        $"The upload holds {held} bytes and the chunk begins at {sent}. Ask for the offset and go on from there.");

    [LoggerMessage(1, LogLevel.Information, "Video {Id} of {Publisher} is registered, {Bytes} bytes to come.")]
    private partial void Registered(VideoId id, string publisher, long bytes);

    [LoggerMessage(2, LogLevel.Information, "Video {Id} is uploaded: {Bytes} bytes, SHA-256 {Sha256}.")]
    private partial void Completed(VideoId id, long bytes, string sha256);

    [LoggerMessage(3, LogLevel.Information, "Upload of video {Id} was {State}: {Reason}")]
    private partial void Ended(VideoId id, string state, string reason);
}
