using System.Collections.Concurrent;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Encode.Planner;

/// <summary>
/// Has the deferred rungs of a video made when a session of a viewer begins, and evicted when none was there for
/// <c>Encode:OnRequestKeep</c>. The decisions are the job's.
/// </summary>
public sealed partial class RungsOnRequest(
    Decider<EncodeJob> jobs,
    RungDemand demand,
    Func<JobRules> rules,
    EncodeOptions options,
    TimeProvider clock,
    ILogger<RungsOnRequest> logger
) : BackgroundService
{
    /// <summary>Videos that are remembered to have had a viewer a moment ago; beyond that all are forgotten.</summary>
    public const int RecentMax = 10_000;

    /// <summary>What is looked for, and viewers that are noted, so often at least while rungs are kept.</summary>
    private const int PartsOfKeep = 20;

    private static readonly TimeSpan NotedMax = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LookMax = TimeSpan.FromHours(1);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<VideoId, DateTimeOffset> recent = [];

    /// <summary>
    /// Handles one message of <c>qoe.sessions</c>. While the store is away it waits, uncommitted. The news of a
    /// session that is older than rungs are kept is passed over.
    /// </summary>
    public async Task HandleAsync(ConsumedMessage consumed, CancellationToken cancellation)
    {
        if (
            consumed.Message is not SessionUpdated session
            || !VideoId.TryParse(session.Subject.VideoId, null, out var video)
        )
            return;
        var now = clock.GetUtcNow();
        if (now - session.LastHeardAt > options.OnRequestKeep || WasSeen(video, now))
            return;
        while (true)
        {
            try
            {
                await WantAsync(video, now, cancellation);
                break;
            }
            catch (Exception e) when (e is System.Data.Common.DbException or TimeoutException)
            {
                Waiting(logger, consumed.Topic, e.Message);
                await Task.Delay(RetryDelay, clock, cancellation);
            }
        }

        if (recent.Count >= RecentMax)
            recent.Clear();
        recent[video] = now;
    }

    /// <summary>One look for what nobody wants any more. Returns how many jobs evicted rungs.</summary>
    public async Task<int> EvictAsync(CancellationToken cancellation)
    {
        var (evicted, now) = (0, clock.GetUtcNow());
        foreach (var job in await demand.UnwantedAsync(now - options.OnRequestKeep, cancellation))
        {
            // Before the decision, so that a viewer who comes after it has the rungs requested again.
            if (!await demand.ReleaseAsync(job, now - options.OnRequestKeep, cancellation))
                continue;
            var decided = await DecideAsync(job, state => state.DecideEviction(now), cancellation);
            evicted += decided.Events.Count > 0 ? 1 : 0;
            if (decided.State.Open)
                await demand.SetAsync(job, requested: true, cancellation);
            // One who came in between found the rungs still there.
            else if (await demand.IsRequestedAsync(job, cancellation))
                await DecideAsync(job, state => state.DecideRequest(rules(), now), cancellation);
        }

        return evicted;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(PartOfKeep(LookMax), clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await EvictAsync(stoppingToken);
            }
            catch (Exception e) when (StoreFailures.IsPassing(e))
            {
                // The next look finds them again.
                Failed(logger, e.Message);
            }
        }
    }

    private TimeSpan PartOfKeep(TimeSpan max) =>
        options.OnRequestKeep / PartsOfKeep is var part && part < max ? part : max;

    private bool WasSeen(VideoId video, DateTimeOffset now) =>
        recent.TryGetValue(video, out var at) && now - at < PartOfKeep(NotedMax);

    private async Task WantAsync(VideoId video, DateTimeOffset now, CancellationToken cancellation)
    {
        if (await demand.WantAsync(video, now, cancellation) is not { } job)
            return;
        var decided = await DecideAsync(job, state => state.DecideRequest(rules(), now), cancellation);
        // A job that is still at its analysis knows later which rungs it has.
        if (decided.State.Deferred.Count > 0)
            await demand.SetAsync(job, requested: true, cancellation);
        if (decided.Events.Count > 0)
            Requested(logger, video);
    }

    private Task<Decided<EncodeJob>> DecideAsync(
        VideoId job,
        Func<EncodeJob, IEnumerable<IMessage>> decide,
        CancellationToken cancellation
    ) => jobs.DecideAsync(job.Value, decide, EventMetadata.Current(correlation: job.ToString()), cancellation);

    [LoggerMessage(Level = LogLevel.Information, Message = "A viewer of {Video} came: its deferred rungs are made.")]
    private static partial void Requested(ILogger logger, VideoId video);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A message of {Topic} waits for the store: {Cause}")]
    private static partial void Waiting(ILogger logger, string topic, string cause);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Rungs that nobody wants were not looked for: {Cause}")]
    private static partial void Failed(ILogger logger, string cause);
}
