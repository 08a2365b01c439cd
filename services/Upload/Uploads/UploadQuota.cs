using System.Globalization;
using System.Threading.RateLimiting;
using EventStream.Upload.Tus;
using Microsoft.AspNetCore.Http;

namespace EventStream.Upload.Uploads;

/// <summary>
/// What one publisher may have and do: the size of a file, unfinished uploads, bytes, creations a minute, and bytes a
/// second. The last two are counted by each process for itself; the others hold over all replicas, but for requests
/// that run at the same time, which may go beyond by one each.
/// </summary>
public sealed class UploadQuota(UploadTable table, UploadOptions options) : IDisposable
{
    private const int PacePeriods = 10;

    /// <summary>Waiting requests beyond this many are refused; each waits with one buffer of its body.</summary>
    private const int PaceWaitersMax = 1024;

    private readonly PartitionedRateLimiter<string> creations = PartitionedRateLimiter.Create<string, string>(
        publisher =>
            RateLimitPartition.GetTokenBucketLimiter(
                publisher,
                _ => new TokenBucketRateLimiterOptions
                {
                    TokenLimit = options.CreationsPerMinuteMax,
                    TokensPerPeriod = Math.Max(1, options.CreationsPerMinuteMax / 60),
                    ReplenishmentPeriod = TimeSpan.FromMinutes(1) / Math.Min(60, options.CreationsPerMinuteMax),
                    QueueLimit = 0,
                }
            )
    );

    /// <summary>One permit is a KiB.</summary>
    private readonly PartitionedRateLimiter<string> pace = PartitionedRateLimiter.Create<string, string>(publisher =>
        RateLimitPartition.GetTokenBucketLimiter(
            publisher,
            _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = options.KiBPerSecondMax,
                TokensPerPeriod = Math.Max(1, options.KiBPerSecondMax / PacePeriods),
                ReplenishmentPeriod = TimeSpan.FromSeconds(1) / PacePeriods,
                QueueLimit = PaceWaitersMax * UploadOptions.KiBPerSecondMin,
            }
        )
    );

    /// <summary>
    /// Lets a creation through. Throws <see cref="UploadProblemException"/>: 422 for an empty file, 413 for a file or a
    /// sum of bytes that is too large, 429 for too many uploads.
    /// </summary>
    internal async Task CheckAsync(string publisher, TusCreation creation, CancellationToken cancellation)
    {
        CheckRate(publisher);
        if (creation.LengthBytes is { } length)
            CheckLength(length, creation.Kind);
        var (unfinished, bytes) = await table.HeldAsync(publisher, options.MaxSizeBytes, cancellation);
        if (unfinished >= options.OpenUploadsMax)
            throw TooMany(
                "Too many unfinished uploads",
                $"{publisher} has {unfinished} of them and may have {options.OpenUploadsMax} (Upload:OpenUploadsMax). "
                    + "Finish or delete some, or wait until they expire.",
                TimeSpan.FromMinutes(1)
            );
        var more = creation.LengthBytes ?? options.MaxSizeBytes;
        if (bytes + more > options.BytesPerPublisherMax)
            throw new UploadProblemException(
                StatusCodes.Status413PayloadTooLarge,
                "The publisher's quota is used up",
                $"{publisher} has {bytes} bytes in its uploads, this one takes {more}, and "
                    + $"{options.BytesPerPublisherMax} are the most. Delete unfinished uploads, or raise "
                    + "Upload:BytesPerPublisherMax."
            );
    }

    /// <summary>Lets a length through, when it is announced or given later. Throws as above, and 400.</summary>
    internal void CheckLength(long lengthBytes, string kind)
    {
        if (lengthBytes == 0)
            throw new UploadProblemException(
                StatusCodes.Status422UnprocessableEntity,
                "The file is empty",
                "It has 0 bytes, which is no video. Choose the file again."
            );
        if (lengthBytes > options.MaxSizeBytes)
            throw new UploadProblemException(
                StatusCodes.Status413PayloadTooLarge,
                "The file is too large",
                $"It has {lengthBytes} bytes and at most {options.MaxSizeBytes} are taken. Send a smaller file, or "
                    + "raise Upload:MaxSizeBytes."
            );
        if (kind == UploadRecord.Partial && lengthBytes < options.PartialBytesMin)
            throw new UploadProblemException(
                StatusCodes.Status400BadRequest,
                "The part is too small",
                $"A partial upload has at least {options.PartialBytesMin} bytes (Upload:PartialBytesMin); this one has "
                    + $"{lengthBytes}. Send small files whole, without Upload-Concat."
            );
    }

    /// <summary>Counts a creation. Throws <see cref="UploadProblemException"/> (429).</summary>
    internal void CheckRate(string publisher)
    {
        using var lease = creations.AttemptAcquire(publisher);
        if (lease.IsAcquired)
            return;
        var after = lease.TryGetMetadata(MetadataName.RetryAfter, out var span) ? span : TimeSpan.FromSeconds(1);
        throw TooMany(
            "Too many uploads at once",
            $"{publisher} may create {options.CreationsPerMinuteMax} a minute (Upload:CreationsPerMinuteMax).",
            after
        );
    }

    /// <summary>
    /// Waits until a publisher may send as many bytes more. Throws <see cref="UploadProblemException"/> (429) where too
    /// many of its requests wait.
    /// </summary>
    internal async ValueTask PaceAsync(string publisher, int bytes, CancellationToken cancellation)
    {
        var permits = Math.Clamp((bytes + 1023) / 1024, 1, UploadOptions.KiBPerSecondMin);
        using var lease = await pace.AcquireAsync(publisher, permits, cancellation);
        if (!lease.IsAcquired)
            throw TooMany(
                "Too many chunks at once",
                $"{publisher} may send {options.KiBPerSecondMax} KiB a second (Upload:KiBPerSecondMax).",
                TimeSpan.FromSeconds(1)
            );
    }

    public void Dispose()
    {
        creations.Dispose();
        pace.Dispose();
    }

    private static UploadProblemException TooMany(string title, string detail, TimeSpan after)
    {
        var seconds = Math.Max(1, Math.Ceiling(after.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        return new(StatusCodes.Status429TooManyRequests, title, detail) { RetryAfterSeconds = seconds };
    }
}
