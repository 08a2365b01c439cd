using EventStream.Contracts;
using EventStream.Messaging.Kafka;

namespace EventStream.Encode.Worker;

/// <summary>
/// Says on <c>encode.events</c> what happens to one attempt of one task. The ids follow from what is said, so that a
/// repetition is recognized by its readers.
/// </summary>
public sealed class TaskReporter(IEventPublisher publisher, TimeProvider clock, string worker, ICommand command)
{
    /// <summary>At most one report of progress in this time.</summary>
    public static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(1);

    private readonly Lock sync = new();
    private long? lastProgress;
    private Task sending = Task.CompletedTask;

    /// <summary>What was evicted and is made again, in another folder, is another fact.</summary>
    private readonly string subject = EncodeTasks.SubjectOf(command);

    /// <summary>The worker's name.</summary>
    public string Worker => worker;

    public VideoId Video { get; } = EncodeTasks.Of(command).Video;

    public string TaskName { get; } = EncodeTasks.Of(command).Task;

    public int Attempt { get; } = EncodeTasks.Of(command).Attempt;

    public bool IsFirstLane { get; } = EncodeTasks.IsFirstLane(command);

    public DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>The last fraction that was reported or dropped, 0..1.</summary>
    public double Fraction { get; private set; }

    public Task StartedAsync(CancellationToken cancellation)
    {
        var now = Now;
        var started = new EncodeTaskStarted(Video, TaskName, worker, Attempt, now);
        return PublishAsync(started, now, $"{Attempt}/{worker}/{now.ToUnixTimeMilliseconds()}/started", cancellation);
    }

    /// <summary>
    /// Reports progress without waiting: when the report before is still on its way, or was less than a second ago,
    /// this one is dropped, since the next says more.
    /// </summary>
    public void Progress(double fraction, double speed, CancellationToken cancellation)
    {
        lock (sync)
        {
            Fraction = fraction;
            if (!sending.IsCompleted)
                return;
            if (lastProgress is { } last && clock.GetElapsedTime(last) < ProgressInterval)
                return;
            lastProgress = clock.GetTimestamp();
            var now = Now;
            sending = SendAsync(
                new EncodeTaskProgressed(Video, TaskName, worker, fraction, speed, now),
                now,
                cancellation
            );
        }
    }

    /// <summary>Waits until no report of progress is on its way, so that none comes after the outcome.</summary>
    public Task SettleAsync()
    {
        lock (sync)
            return sending;
    }

    /// <summary>Reports the outcome of the task: the same id for every attempt, because it is the same fact.</summary>
    public Task OutcomeAsync(IEvent outcome, CancellationToken cancellation) =>
        PublishAsync(outcome, Now, "outcome", cancellation);

    public Task FailedAsync(string cause, bool willRetry, CancellationToken cancellation)
    {
        var now = Now;
        var failed = new EncodeTaskFailed(Video, TaskName, worker, Attempt, cause, willRetry, now);
        return PublishAsync(failed, now, $"{Attempt}/failed", cancellation);
    }

    private async Task SendAsync(EncodeTaskProgressed progress, DateTimeOffset now, CancellationToken cancellation)
    {
        var id = $"{Attempt}/{worker}/{now.ToUnixTimeMilliseconds()}/progress";
        try
        {
            await PublishAsync(progress, now, id, cancellation);
        }
        catch (Exception e) when (e is PublishException or OperationCanceledException)
        {
            // A lost report of progress is made up for by the next.
        }
    }

    private Task PublishAsync(IEvent message, DateTimeOffset time, string what, CancellationToken cancellation) =>
        publisher.PublishAsync(
            Topics.EncodeEvents,
            Video.ToString(),
            message,
            time,
            cancellation,
            new PublishOptions($"{subject}/{what}")
        );
}
