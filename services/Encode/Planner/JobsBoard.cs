using System.Collections.Concurrent;
using EventStream.EventStore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Encode.Planner;

/// <summary>
/// Which jobs are there, and how far: the read model behind <c>/v1/jobs</c> and the watch over quiet tasks. It lives
/// in memory and is built from the event store at each start.
/// </summary>
public sealed partial class JobsBoard(IEventStore store, TimeProvider clock, ILogger<JobsBoard> logger)
    : BackgroundService
{
    /// <summary>Ended jobs beyond this many are dropped, oldest first; the store still has them.</summary>
    public const int EndedJobsMax = 1000;

    private const int BatchSize = 500;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly string Prefix = EncodeJob.Aggregate.StreamOf("");
    private readonly ConcurrentDictionary<string, EncodeJob> jobs = new(StringComparer.Ordinal);
    private long position;

    /// <summary>Whether everything that was stored at the start is read.</summary>
    public bool CaughtUp { get; private set; }

    /// <summary>The jobs, newest first.</summary>
    public IEnumerable<EncodeJob> Jobs => jobs.Values.OrderByDescending(job => job.OpenedAt);

    /// <summary>Reads what was stored since the last pass. Returns the number of events read.</summary>
    public async Task<int> CatchUpAsync(CancellationToken cancellation)
    {
        var read = 0;
        while (true)
        {
            var batch = await store.ReadAllAsync(position, BatchSize, cancellation);
            foreach (var recorded in batch)
            {
                position = recorded.Position;
                if (!recorded.Stream.StartsWith(Prefix, StringComparison.Ordinal)) continue;
                jobs[recorded.Stream] =
                    EncodeJob.Apply(jobs.GetValueOrDefault(recorded.Stream, EncodeJob.None), recorded.Data);
            }

            read += batch.Count;
            if (batch.Count < BatchSize) break;
        }

        CaughtUp = true;
        if (read > 0) DropOldest();
        return read;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        do
        {
            try
            {
                await CatchUpAsync(stoppingToken);
            }
            catch (Exception e) when (e is System.Data.Common.DbException or TimeoutException)
            {
                Behind(logger, e.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private void DropOldest()
    {
        var ended = jobs.Where(pair => !pair.Value.Open).ToList();
        foreach (var (stream, _) in ended.OrderByDescending(pair => pair.Value.EndedAt).Skip(EndedJobsMax))
            jobs.TryRemove(stream, out _);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The board of jobs is behind: {Cause}")]
    private static partial void Behind(ILogger logger, string cause);
}
