using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Media;

/// <summary>Removes what killed processes left of their writes in a folder of media, now and again.</summary>
public sealed partial class MediaSweeper(IMediaStore media, TimeProvider clock, ILogger<MediaSweeper> logger)
    : BackgroundService
{
    /// <summary>Time between two passes; each lists the files that are being written, which are few.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (media is not FolderMediaStore folder)
            return;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (folder.RemoveAbandoned() is > 0 and var removed)
                    Removed(logger, removed);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // A role that only reads the folder leaves this to those that write to it.
                Failed(logger, e.Message);
            }

            await Task.Delay(Interval, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Removed {Count} files that killed processes left.")]
    private static partial void Removed(ILogger logger, int count);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Abandoned files were not looked for: {Cause}")]
    private static partial void Failed(ILogger logger, string cause);
}
