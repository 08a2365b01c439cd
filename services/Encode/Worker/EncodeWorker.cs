using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using EventStream.Contracts;
using EventStream.Encode.Packaging;
using EventStream.Media;
using EventStream.Messaging;
using EventStream.Messaging.Kafka;
using EventStream.Processes;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Encode.Worker;

/// <summary>What the worker does now, of the first lane where it does both; fraction in 0..1.</summary>
public sealed record WorkerView(
    string Worker,
    string? VideoId,
    string? Task,
    double Fraction,
    int TasksDone,
    int TasksFailed
);

/// <summary>
/// Takes commands and does one of each lane at a time, those of the first lane first. A task outlives the loss of its
/// partition: the worker that gets the partition finds the lease and waits for the receipt. When the role stops, the
/// task is stopped with its ffmpeg and its command stays uncommitted for another worker.
/// </summary>
public sealed partial class EncodeWorker(
    TaskWork work,
    TaskLeases leases,
    IEventPublisher publisher,
    EncodeOptions options,
    TimeProvider clock,
    ILogger<EncodeWorker> logger
) : IHostedService
{
    private static readonly TimeSpan LeasePoll = TimeSpan.FromSeconds(1);

    private static readonly Histogram<double> Seconds = Telemetry.Meter.CreateHistogram<double>(
        "eventstream.encode.task.duration",
        "s",
        "Wall time of an encode task."
    );

    private readonly Lock sync = new();
    private readonly WorkFolder workFolder = new(options.WorkFolder, options.WorkerId);
    private readonly EncodeLimiter limiter = new(clock);
    private readonly ConcurrentDictionary<string, Task> running = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource stopping = new();
    private readonly ConcurrentDictionary<string, TaskReporter> current = new(StringComparer.Ordinal);
    private int done;
    private int failed;

    /// <summary>What the worker is doing now.</summary>
    public WorkerView View =>
        current.Values.MaxBy(reporter => reporter.IsFirstLane) is { } now
            ? new(options.WorkerId, now.Video.ToString(), now.TaskName, now.Fraction, done, failed)
            : new(options.WorkerId, null, null, 0, done, failed);

    /// <summary>
    /// Does one command and ends when its outcome is published. When <paramref name="cancellation"/> comes while the
    /// task works, because its partition went to another worker, this ends and the task goes on.
    /// </summary>
    public async Task HandleAsync(ConsumedMessage consumed, bool firstLane, CancellationToken cancellation)
    {
        var command = (ICommand)consumed.Message;
        var reporter = new TaskReporter(publisher, clock, options.WorkerId, command);
        var key = EncodeTasks.CommandKey(command);
        var wanted = Turn.Of(command, firstLane);
        IDisposable? turn = null;
        try
        {
            while (true)
            {
                if (running.TryGetValue(key, out var mine))
                    await mine.WaitAsync(cancellation);
                if (await leases.IsStoppedAsync(command, cancellation))
                {
                    await leases.ForgetAsync(command);
                    Stopped(logger, key);
                    return;
                }

                if (await leases.ReceiptAsync(command, cancellation) is { } receipt)
                {
                    await reporter.OutcomeAsync(receipt, cancellation);
                    await leases.ForgetAsync(command);
                    Repeated(logger, key);
                    return;
                }

                if (await leases.HolderAsync(command, cancellation) is { } other)
                {
                    turn?.Dispose();
                    turn = null;
                    Leased(logger, key, other);
                    await Task.Delay(LeasePoll, clock, cancellation);
                    continue;
                }

                // While this one waited, another may have taken or done the task: it is looked at again with the turn.
                if (turn is null)
                {
                    turn = await limiter.EnterAsync(wanted, cancellation);
                    continue;
                }

                stopping.Token.ThrowIfCancellationRequested();
                var begun = Begin(command, reporter, key, turn);
                turn = null;
                await begun.WaitAsync(cancellation);
                return;
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The consumer stops in a moment too; ending here would commit the command.
            await Task.Delay(Timeout.InfiniteTimeSpan, clock, cancellation);
        }
        finally
        {
            turn?.Dispose();
        }
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        workFolder.Open();
        return Task.CompletedTask;
    }

    /// <summary>Begins to stop at once, before the consumers do: kills ffmpeg.</summary>
    public void BeginStop() => stopping.Cancel();

    /// <summary>Waits until nothing is running.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await stopping.CancelAsync();
        await Task.WhenAll(running.Values)
            .WaitAsync(cancellationToken)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        workFolder.Dispose();
    }

    /// <summary>Starts the task on its own; its end is that of the turn.</summary>
    private Task Begin(ICommand command, TaskReporter reporter, string key, IDisposable turn)
    {
        lock (sync)
            return running[key] = Task.Run(
                () => RunAndLeaveAsync(command, reporter, key, turn),
                CancellationToken.None
            );
    }

    private async Task RunAndLeaveAsync(ICommand command, TaskReporter reporter, string key, IDisposable turn)
    {
        try
        {
            await RunAsync(command, reporter, key, stopping.Token);
        }
        finally
        {
            // The lock makes sure that the task was noted before it is removed.
            lock (sync)
                running.TryRemove(key, out _);
            turn.Dispose();
        }
    }

    private async Task RunAsync(ICommand command, TaskReporter reporter, string key, CancellationToken life)
    {
        var begun = clock.GetTimestamp();
        current[key] = reporter;
        try
        {
            await using var lease = await leases.HoldAsync(command, life);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(life, lease.Stopped);
            try
            {
                await DoAsync(command, reporter, either.Token);
            }
            catch (OperationCanceledException) when (!life.IsCancellationRequested && either.IsCancellationRequested)
            {
                // Nobody waits for an outcome.
                Stopped(logger, key);
                return;
            }

            Interlocked.Increment(ref done);
            Done(logger, key, clock.GetElapsedTime(begun).TotalSeconds);
        }
        catch (Exception e) when (IsFailureOfTask(e) && !life.IsCancellationRequested)
        {
            Interlocked.Increment(ref failed);
            Failed(logger, key, reporter.Attempt, e.Message);
            await reporter.SettleAsync();
            await reporter.FailedAsync(e.Message, reporter.Attempt < options.MaxAttempts, life);
        }
        finally
        {
            current.TryRemove(key, out _);
            var task = new KeyValuePair<string, object?>("task", reporter.TaskName);
            Seconds.Record(clock.GetElapsedTime(begun).TotalSeconds, task);
        }
    }

    private async Task DoAsync(ICommand command, TaskReporter reporter, CancellationToken cancellation)
    {
        await reporter.StartedAsync(cancellation);
        var outcome = await work.DoAsync(command, reporter, cancellation);
        await leases.WriteReceiptAsync(command, outcome, cancellation);
        await reporter.SettleAsync();
        await reporter.OutcomeAsync(outcome, cancellation);
    }

    /// <summary>A missing broker is no fault of the task: the command is taken again.</summary>
    private static bool IsFailureOfTask(Exception e) =>
        e
            is ProgramFailedException
                or Mp4Exception
                or MediaNotFoundException
                or IOException
                or UnauthorizedAccessException
                or UnknownMessageException
                or System.Text.Json.JsonException
                or System.ComponentModel.Win32Exception;

    [LoggerMessage(Level = LogLevel.Information, Message = "{Task} is being done by {Worker}")]
    private static partial void Leased(ILogger logger, string task, string worker);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Task} is not wanted any more")]
    private static partial void Stopped(ILogger logger, string task);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Task} was done before")]
    private static partial void Repeated(ILogger logger, string task);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Task} done in {Seconds:0.0} s")]
    private static partial void Done(ILogger logger, string task, double seconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Task} failed, attempt {Attempt}: {Cause}")]
    private static partial void Failed(ILogger logger, string task, int attempt, string cause);
}
