using EventStream.Messaging.Kafka;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Encode.Planner;

/// <summary>Looks for tasks without news and has them sent again; the decision is the job's.</summary>
public sealed partial class QuietWatch(
    JobsBoard board, JobProcess process, TaskNews news, EncodeOptions options, JobRules rules, TimeProvider clock,
    ILogger<QuietWatch> logger) : BackgroundService
{
    /// <summary>One pass over the open jobs. Returns how many facts were added.</summary>
    public async Task<int> LookAsync(CancellationToken cancellation)
    {
        var added = 0;
        // The board tells which jobs are worth loading; the decision is taken again on the stored state.
        foreach (var job in board.Jobs.Where(IsQuiet).ToList())
        {
            added += (await process.HandleQuietAsync(
                job.VideoId, options.RunningQuietMax, options.WaitingQuietMax, cancellation)).Count;
        }

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
            catch (Exception e) when (e is System.Data.Common.DbException or PublishException or TimeoutException
                or EventStore.EventStoreException)
            {
                // The next pass looks again.
                Failed(logger, e.Message);
            }
        }
    }

    private bool IsQuiet(EncodeJob job) => EncodeJob.DecideQuiet(
        job, task => news.LastHeard(job.VideoId, task), options.RunningQuietMax, options.WaitingQuietMax, rules,
        clock.GetUtcNow()).Any();

    [LoggerMessage(Level = LogLevel.Warning, Message = "The watch over quiet tasks failed: {Cause}")]
    private static partial void Failed(ILogger logger, string cause);
}
