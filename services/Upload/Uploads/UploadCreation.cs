using System.Diagnostics;
using EventStream.Contracts;
using EventStream.Upload.Tus;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Upload.Uploads;

/// <summary>Announces uploads, one for each creation however often it is sent, and joins final ones.</summary>
public sealed partial class UploadCreation(
    UploadTable table,
    UploadJoiner joiner,
    UploadQuota quota,
    UploadFacts facts,
    UploadService uploads,
    UploadOptions options,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<UploadCreation> log
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
        var upload = await uploads.FindAsync(made.VideoId, publisher, cancellation);
        // The process that took the first one may have died before the video was registered.
        if (!upload.IsWhole)
            await facts.RegisterAsync(upload, creation.Metadata, cancellation);
        return upload;
    }

    /// <summary>
    /// Joins a final upload whether its client waits or not. Where somebody is at it already, that is left to them.
    /// </summary>
    private async Task FinishOnceAsync(UploadRecord final)
    {
        try
        {
            await uploads.FinishAsync(final, lifetime.ApplicationStopping);
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

    [LoggerMessage(1, LogLevel.Warning, "Video {Id} is not yet joined from its parts: {Cause}")]
    private partial void NotJoined(VideoId id, string cause);
}
