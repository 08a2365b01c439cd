using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStream.Encode.Planner;

/// <summary>
/// Publishes the load of each lane on <c>traffic.load</c>, a step at a time and also where it is zero: seconds of work
/// that wait for a worker, and that arrived. Of several planners one does, and the next one goes on where it ended. The
/// steps that no planner published are made up for: what arrived in them is known, what waited then is not and is left
/// out.
/// </summary>
public sealed partial class LaneLoad(
    JobQueue queue,
    TaskHeartbeats heartbeats,
    LanePace pace,
    StoreStatus status,
    NpgsqlDataSource source,
    IEventPublisher publisher,
    EncodeOptions options,
    TimeProvider clock,
    ILogger<LaneLoad> logger
) : BackgroundService
{
    /// <summary>Steps that are made up for at most; of a longer gap the older part is left out.</summary>
    public const int StepsMax = 30;

    /// <summary>
    /// A step is measured so long after its end. What was decided in it is stored by then, also on a busy machine; what
    /// is stored later counts in no step.
    /// </summary>
    public static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);
    private readonly TimeSpan step = TimeSpan.FromSeconds(options.LoadStepSeconds);

    /// <summary>
    /// Publishes the steps that are over and were not published yet. Returns their number, 0 where another planner is
    /// at it or the jobs' list is behind by more than a step.
    /// </summary>
    public async Task<int> PublishAsync(CancellationToken cancellation)
    {
        var settled = clock.GetUtcNow() - Settling;
        var last = new DateTimeOffset(settled.Ticks - (settled.Ticks % step.Ticks), TimeSpan.Zero) - step;
        await using var turn = await LoadTurn.TakeAsync(source, cancellation);
        if (turn is null || last <= turn.Newest || !await IsListCompleteAsync(cancellation))
            return 0;
        var oldest = last - (step * (StepsMax - 1));
        var first =
            turn.Newest is not { } newest ? last
            : newest + step > oldest ? newest + step
            : oldest;
        var paces = await pace.ReadAsync(cancellation);
        var arrivals = Arrivals(await queue.ArrivedAsync(first, cancellation), paces);
        for (var begin = first; begin <= last; begin += step)
        {
            foreach (var lane in EncodeLanes.All)
                await PublishAsync($"{lane}:arriving", begin, arrivals[(lane, begin)].Sum(), cancellation);
        }

        var waiting = await queue.WaitingWorkAsync(await heartbeats.BegunAsync(cancellation), cancellation);
        foreach (var lane in EncodeLanes.All)
            await PublishAsync($"{lane}:waiting", last, waiting[lane] * Of(paces, lane), cancellation);
        await turn.NoteAsync(last, cancellation);
        return (int)((last - first) / step) + 1;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await PublishAsync(stoppingToken);
            }
            catch (Exception e) when (StoreFailures.IsPassing(e) || e is PublishException)
            {
                // What is missing is made up for with the next step.
                Failed(logger, e.Message);
            }

            var wait = step - TimeSpan.FromTicks((clock.GetUtcNow() - Settling).Ticks % step.Ticks);
            await Task.Delay(wait, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The list of jobs follows the events a moment later; a step is measured when it has.</summary>
    private async Task<bool> IsListCompleteAsync(CancellationToken cancellation)
    {
        var (begun, newest) = (clock.GetTimestamp(), await status.NewestAsync(cancellation));
        while (true)
        {
            var readers = await status.ReadersAsync(cancellation);
            var list = readers.Single(reader =>
                reader.Name.StartsWith(JobQueueProjection.ReaderName, StringComparison.Ordinal)
            );
            if (list.Position >= newest)
                return true;
            if (clock.GetElapsedTime(begun) >= step)
                return false;
            await Task.Delay(Poll, clock, cancellation);
        }
    }

    /// <summary>Seconds of each task that arrived, by its lane and step.</summary>
    private ILookup<(string Lane, DateTimeOffset Step), double> Arrivals(
        IEnumerable<EncodeJob> jobs,
        IReadOnlyDictionary<string, double> paces
    ) =>
        (
            from job in jobs
            from task in job.KnownTasks
            let lane = job.LaneOf(task.Name)
            let at = task.KnownAt
            where at is not null
            let ticks = at.Value.UtcTicks
            select (
                Key: (lane, new DateTimeOffset(ticks - (ticks % step.Ticks), TimeSpan.Zero)),
                Seconds: job.SecondsOf(task.Name) * Of(paces, lane)
            )
        ).ToLookup(arrival => arrival.Key, arrival => arrival.Seconds);

    private static double Of(IReadOnlyDictionary<string, double> paces, string lane) =>
        paces.GetValueOrDefault(lane, 1);

    private Task PublishAsync(string what, DateTimeOffset begin, double seconds, CancellationToken cancellation)
    {
        var resource = $"{LoadMeasured.OfEncoding}{what}";
        return publisher.PublishAsync(
            Topics.TrafficLoad,
            resource,
            new LoadMeasured(resource, begin, step.TotalSeconds, Math.Round(seconds, 3), "seconds"),
            begin + step,
            cancellation,
            new PublishOptions($"{resource}/{begin:O}")
        );
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The load of the encode lanes was not published: {Cause}")]
    private static partial void Failed(ILogger logger, string cause);
}
