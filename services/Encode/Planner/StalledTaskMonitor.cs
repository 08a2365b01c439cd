using EventStream.Contracts;
using EventStream.EventStore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Encode.Planner;

/// <summary>
/// Looks for tasks without heartbeats, and for commands that no worker took, and has them sent again; the decision is
/// the job's. What was held too long goes out as well. Several planners may look at the same time: the second finds
/// the command just sent.
/// </summary>
public sealed partial class StalledTaskMonitor(
    JobQueue queue,
    JobProcess process,
    TaskHeartbeats heartbeats,
    EncodeOptions options,
    TimeProvider clock,
    ILogger<StalledTaskMonitor> logger
) : BackgroundService
{
    private readonly SilenceBounds bounds = new(options.RunningQuietMax, options.WaitingQuietMax);
    private readonly DateTimeOffset since = clock.GetUtcNow();

    /// <summary>One pass. Returns how many messages were added.</summary>
    public async Task<int> LookAsync(CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        IEnumerable<VideoId> silent = await heartbeats.SilentAsync(now - bounds.Running, cancellation);
        var added = await process.ReleaseAsync(cancellation);
        foreach (var video in silent.Union(await queue.WaitingAsync(bounds, now, cancellation)))
            added += (await process.HandleSilenceAsync(video, bounds, since, cancellation)).Count;
        return added;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.RunningQuietMax / 4, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await LookAsync(stoppingToken);
            }
            catch (Exception e) when (StoreFailures.IsPassing(e))
            {
                // The next pass looks again.
                Failed(logger, e.Message);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The stalled-task monitor failed: {Cause}")]
    private static partial void Failed(ILogger logger, string cause);
}
