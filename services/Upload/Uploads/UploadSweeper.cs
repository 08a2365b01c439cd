using EventStream.Contracts;
using EventStream.Media;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Upload.Uploads;

/// <summary>
/// Completes uploads whose process died between the last byte and the fact, or while it joined parts, and ends those
/// that have expired, with the parts that nobody joined.
/// </summary>
public sealed partial class UploadSweeper(
    UploadTable table,
    UploadService uploads,
    TimeProvider time,
    ILogger<UploadSweeper> log
) : BackgroundService
{
    /// <summary>A client whose server died after its last byte waits at most this long for its video.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private const int PageMax = 200;

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

    /// <summary>One pass over every open upload and every part that waits.</summary>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        var after = default(VideoId);
        while (true)
        {
            var page = await table.ListUnsettledAsync(after, PageMax, cancellation);
            foreach (var upload in page)
                await SweepAsync(upload, cancellation);
            if (page.Count < PageMax)
                return;
            after = page[^1].VideoId;
        }
    }

    private async Task SweepAsync(UploadRecord upload, CancellationToken cancellation)
    {
        try
        {
            var expired = upload.ExpiresAt < time.GetUtcNow();
            if (
                !upload.IsWhole
                && (
                    upload.Kind == UploadRecord.Final
                        ? !expired
                        : await uploads.OffsetAsync(upload, cancellation) == upload.LengthBytes
                )
            )
                await uploads.FinishAsync(upload, cancellation);
            else if (expired)
                await uploads.EndAsync(
                    upload,
                    UploadRecord.Expired,
                    $"The upload was not finished by {upload.ExpiresAt:u}.",
                    "Upload the file again.",
                    cancellation
                );
        }
        catch (Exception e) when (e is UploadProblemException or MediaNotFoundException)
        {
            // A request writes to it right now, or what it held was wrong; both are recorded where they happen.
            Skipped(upload.VideoId, e.Message);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Open uploads could not be looked through: {Cause}")]
    private partial void Failed(string cause);

    [LoggerMessage(2, LogLevel.Information, "Upload of video {Id} was left to its writer: {Cause}")]
    private partial void Skipped(VideoId id, string cause);
}
