using System.Diagnostics;
using EventStream.Contracts;
using EventStream.Media;
using EventStream.Upload.Tus;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Upload.Uploads;

/// <summary>
/// Takes files: the offset of an upload is what the media store has, so that nothing but bytes on disk is promised.
/// <see cref="UploadFacts"/> says what becomes of them.
/// </summary>
public sealed partial class UploadService(
    UploadTable table,
    UploadLeases leases,
    UploadJoiner joiner,
    UploadQuota quota,
    IMediaStore media,
    UploadHashes hashes,
    UploadFacts facts,
    UploadOptions options,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<UploadService> log
)
{
    /// <summary>
    /// How long the creation of a final upload waits for its joining, which goes on where it takes longer: proxies cut
    /// requests that are silent for a minute.
    /// </summary>
    private static readonly TimeSpan JoinWait = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Announces a file, or a part of one, and returns its upload; the same creation under the same idempotency key
    /// returns the upload it made. A final upload is joined from its parts before this returns, or goes on to be.
    /// Throws <see cref="UploadProblemException"/>.
    /// </summary>
    internal async Task<UploadRecord> CreateAsync(
        string publisher,
        TusCreation creation,
        CancellationToken cancellation
    )
    {
        await facts.CheckAsync(publisher, creation.Metadata, cancellation);
        if (creation.Kind == UploadRecord.Final)
        {
            var final = await joiner.FindOrAddAsync(
                publisher,
                creation,
                length => New(publisher, creation, length),
                cancellation
            );
            var joining = FinishOnceAsync(final);
            await Task.WhenAny(joining, Task.Delay(JoinWait, time, cancellation));
            if (joining.IsCompleted)
                await joining;
            return final;
        }

        if (await FindRepeatedAsync(publisher, creation, cancellation) is { } before)
            return before;
        try
        {
            await quota.CheckAsync(publisher, creation, cancellation);
        }
        catch (UploadProblemException) when (creation.IdempotencyKey is not null)
        {
            // The same request at the same time may have taken the last place.
            if (await FindRepeatedAsync(publisher, creation, cancellation) is { } made)
                return made;
            throw;
        }

        var upload = New(publisher, creation, creation.LengthBytes);
        if (!await table.InsertAsync(upload, cancellation))
            // The same request came twice at the same time.
            return (await FindRepeatedAsync(publisher, creation, cancellation))!;
        await facts.RegisterAsync(upload, creation.Metadata, cancellation);
        return upload;
    }

    /// <summary>
    /// The upload that the same request made before. Throws <see cref="UploadProblemException"/>: 422 where the key
    /// was used for another request, 410 where nothing is left of the upload.
    /// </summary>
    private async Task<UploadRecord?> FindRepeatedAsync(
        string publisher,
        TusCreation creation,
        CancellationToken cancellation
    )
    {
        if (creation.IdempotencyKey is not { } key)
            return null;
        if (await table.FindByKeyAsync(publisher, key, cancellation) is not { } made)
            return null;
        if (made.RequestHash != creation.Hash())
            throw IdempotencyKey.UsedOtherwise(key);
        var upload = await FindAsync(made.VideoId, publisher, cancellation);
        // The process that took the first one may have died before the video was registered.
        if (!upload.IsWhole)
            await facts.RegisterAsync(upload, creation.Metadata, cancellation);
        return upload;
    }

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

    /// <summary>
    /// Joins a final upload whether its client waits or not. Where somebody is at it already, that is left to them.
    /// </summary>
    private async Task FinishOnceAsync(UploadRecord final)
    {
        try
        {
            await FinishAsync(final, lifetime.ApplicationStopping);
        }
        catch (UploadProblemException e) when (e.Status == StatusCodes.Status423Locked)
        {
            // The same creation was sent before, or the sweeper found the upload.
        }
        catch (Exception e)
        {
            NotJoined(final.VideoId, e.Message);
            throw;
        }
    }

    private UploadRecord New(string publisher, TusCreation creation, long? lengthBytes)
    {
        var now = time.GetUtcNow();
        return new UploadRecord(
            VideoId.New(now),
            publisher,
            lengthBytes,
            creation.Metadata.Header,
            creation.Metadata.Sha256,
            UploadRecord.Open,
            Activity.Current?.Id,
            now,
            now + options.ExpiresAfter
        )
        {
            Kind = creation.Kind,
            Parts = creation.Parts,
            // A final upload is known by its parts.
            IdempotencyKey = creation.Kind == UploadRecord.Final ? null : creation.IdempotencyKey,
            RequestHash = creation.IdempotencyKey is null ? null : creation.Hash(),
        };
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

    [LoggerMessage(1, LogLevel.Warning, "Video {Id} is not yet joined from its parts: {Cause}")]
    private partial void NotJoined(VideoId id, string cause);
}
