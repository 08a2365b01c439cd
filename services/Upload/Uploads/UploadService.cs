using EventStream.Contracts;
using EventStream.Media;
using EventStream.Upload.Tus;
using Microsoft.AspNetCore.Http;

namespace EventStream.Upload.Uploads;

/// <summary>
/// Takes the bytes of the uploads that <see cref="UploadCreation"/> made: the offset of an upload is what the media
/// store has, so that nothing but bytes on disk is promised. <see cref="UploadFacts"/> says what becomes of them.
/// </summary>
public sealed class UploadService(
    UploadTable table,
    UploadLeases leases,
    UploadJoiner joiner,
    UploadQuota quota,
    IMediaStore media,
    UploadHashes hashes,
    UploadFacts facts,
    UploadOptions options,
    TimeProvider time
)
{
    /// <summary>
    /// An upload that can still be used: of one publisher, or of any where it is null. Another publisher's does not
    /// exist, so that ids cannot be probed. Throws <see cref="UploadProblemException"/> (404, 410).
    /// </summary>
    public async Task<UploadRecord> FindAsync(VideoId id, string? publisher, CancellationToken cancellation)
    {
        var upload = await table.FindAsync(id, cancellation);
        if (upload is null || (publisher is not null && upload.Publisher != publisher))
            throw Missing($"{id}");
        if (upload.State == UploadRecord.Open || upload.IsWhole)
            return upload;
        throw new UploadProblemException(
            StatusCodes.Status410Gone,
            $"The upload was {upload.State}",
            $"Nothing of '{id}' is left. Create a new upload."
        );
    }

    /// <summary>Bytes stored so far.</summary>
    public async Task<long> OffsetAsync(UploadRecord upload, CancellationToken cancellation) =>
        upload is { IsWhole: true, LengthBytes: { } length }
            ? length
            : (await media.StatAsync(upload.SourceKey, cancellation))?.SizeBytes ?? 0;

    /// <summary>
    /// Bytes stored so far, for clients that take an offset at the end for success: where the request that brought the
    /// last ones was cut before the video was recorded, that is done first. Throws
    /// <see cref="UploadProblemException"/> (410, 422).
    /// </summary>
    internal async Task<long> SettledOffsetAsync(UploadRecord upload, CancellationToken cancellation)
    {
        var held = await OffsetAsync(upload, cancellation);
        if (held != upload.LengthBytes || upload.IsWhole)
            return held;
        await leases.WaitForWriterAsync(upload.VideoId, cancellation);
        try
        {
            await FinishIfOpenAsync(upload.VideoId, cancellation);
        }
        catch (UploadProblemException e) when (e.Status == StatusCodes.Status423Locked)
        {
            // Somebody records it right now, of a large file for longer than a client waits.
        }

        return held;
    }

    /// <summary>
    /// Sets the length in bytes of an upload that was created without one; setting it again changes nothing. Throws
    /// <see cref="UploadProblemException"/> for a length that is too large, not the one given before, or passed
    /// already.
    /// </summary>
    internal async Task<UploadRecord> SetLengthAsync(
        UploadRecord upload,
        long lengthBytes,
        CancellationToken cancellation
    )
    {
        if (upload.LengthBytes is null)
        {
            quota.CheckLength(lengthBytes, upload.Kind);
            if (await OffsetAsync(upload, cancellation) > lengthBytes)
                throw BoundedBody.TooLong();
            await table.SetLengthAsync(upload.VideoId, lengthBytes, cancellation);
            upload = await table.FindAsync(upload.VideoId, cancellation) ?? throw Missing($"{upload.VideoId}");
        }

        return upload.LengthBytes == lengthBytes
            ? upload
            : throw new UploadProblemException(
                StatusCodes.Status400BadRequest,
                "The length cannot change",
                $"The Upload-Length of this upload is {upload.LengthBytes}, not {lengthBytes}."
            );
    }

    /// <summary>
    /// Appends a chunk and returns the new offset; the last one completes the upload. What arrived before a cut
    /// stays, unless the chunk has a checksum. Throws <see cref="UploadProblemException"/>.
    /// </summary>
    internal async Task<long> AppendAsync(
        UploadRecord upload,
        long offset,
        Stream body,
        ChunkChecksum? checksum,
        CancellationToken cancellation
    )
    {
        await using var lease = await leases.TakeAsync(upload.VideoId, cancellation);
        var held = await OffsetAsync(upload, cancellation);
        if (held != offset)
            throw OffsetDiffers(offset, held);
        await using var bounded = new BoundedBody(
            body,
            (upload.LengthBytes ?? options.MaxSizeBytes) - offset,
            (bytes, stop) => quota.PaceAsync(upload.Publisher, bytes, stop)
        );
        await using var chunk = checksum is null ? bounded : await checksum.SetAsideAsync(bounded, lease.Token);
        if (upload.IsWhole)
        {
            await chunk.CopyToAsync(Stream.Null, lease.Token);
            return held;
        }

        try
        {
            held = await hashes.AppendAsync(upload, offset, chunk, lease.Token);
        }
        catch (MediaOffsetException e)
        {
            throw OffsetDiffers(e.Expected, e.Actual);
        }

        await table.ExtendAsync(upload.VideoId, time.GetUtcNow() + options.ExpiresAfter, CancellationToken.None);
        if (held == upload.LengthBytes)
            await facts.CompleteAsync(upload, lease.Token);
        return held;
    }

    /// <summary>
    /// Finishes an upload whose bytes, or parts, are all there: one whose completion was cut short, or a final one.
    /// Nothing happens where it is whole. Throws <see cref="UploadProblemException"/> (423) where somebody works on it.
    /// </summary>
    internal async Task FinishAsync(UploadRecord upload, CancellationToken cancellation)
    {
        if (upload.IsWhole)
            return;
        await using var lease = await leases.TakeAsync(upload.VideoId, cancellation, supersede: false);
        if (upload.Kind == UploadRecord.Final)
        {
            // The process that created it may have died before the video was registered.
            await facts.RegisterAsync(upload, TusMetadata.Parse(upload.Metadata), lease.Token);
            await joiner.JoinAsync(upload, lease.Token);
        }

        await facts.CompleteAsync(upload, lease.Token);
    }

    /// <summary>
    /// Finishes an upload whose last byte arrived. Throws <see cref="UploadProblemException"/> (404, 410, 423).
    /// </summary>
    internal async Task FinishIfOpenAsync(VideoId id, CancellationToken cancellation) =>
        await FinishAsync(await FindAsync(id, null, cancellation), cancellation);

    /// <summary>
    /// Forgets the bytes and the length of an upload, whose file became another one. Throws
    /// <see cref="UploadProblemException"/> (423).
    /// </summary>
    internal async Task<UploadRecord> StartOverAsync(UploadRecord upload, CancellationToken cancellation)
    {
        await using var lease = await leases.TakeAsync(upload.VideoId, cancellation, supersede: false);
        await media.DeleteAsync(upload.SourceKey, lease.Token);
        await table.ForgetLengthAsync(upload.VideoId, lease.Token);
        return upload with { LengthBytes = null };
    }

    /// <summary>
    /// A client takes its upload, or a part that waits to be joined, back. Throws
    /// <see cref="UploadProblemException"/> (409, 423).
    /// </summary>
    internal Task TakeBackAsync(UploadRecord upload, CancellationToken cancellation)
    {
        if (upload.IsWhole && !(upload.IsPartial && upload.State == UploadRecord.Completed))
            throw new UploadProblemException(
                StatusCodes.Status409Conflict,
                "The upload is a video already",
                $"A finished upload is not taken back; DELETE /v1/videos/{upload.VideoId} deletes the video."
            );
        return EndAsync(
            upload,
            UploadRecord.Terminated,
            "The publisher took the upload back.",
            "Upload the file again.",
            cancellation
        );
    }

    /// <summary>Ends an unfinished upload and frees its bytes; the video is rejected with the reason.</summary>
    internal async Task EndAsync(
        UploadRecord upload,
        string state,
        string reason,
        string remedy,
        CancellationToken cancellation
    )
    {
        await using var lease = await leases.TakeAsync(upload.VideoId, cancellation);
        await facts.RejectAsync(upload, state, reason, remedy, cancellation);
    }

    /// <summary>The answer about an upload that the caller does not have.</summary>
    internal static UploadProblemException Missing(string id) =>
        new(
            StatusCodes.Status404NotFound,
            "There is no such upload",
            $"'{id}' is none of your uploads. Use the Location that the creation answered, with the key "
                + "that created it."
        );

    private static UploadProblemException OffsetDiffers(long sent, long held) =>
        new(
            StatusCodes.Status409Conflict,
            "The offset differs",
            $"The upload holds {held} bytes and the chunk begins at {sent}. Ask for the offset and go on from there."
        );
}
