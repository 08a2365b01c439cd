using JasperFx;
using JasperFx.Events.Daemon;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using IProjectionCoordinator = Marten.Events.Daemon.Coordination.IProjectionCoordinator;

namespace EventStream.EventStore;

/// <summary>
/// Lets readers begin again that Marten has stopped for good. It stops a reader that finds its progress moved by
/// another process, as happens when a leader lost its lock and both ran for a moment; and its coordinator takes a
/// stopped reader for one that runs, so that this process would keep the lock and nobody would read. It also forgets
/// readers that were paused when this process lost the lock: another process runs them.
/// </summary>
internal sealed partial class StoppedReaders(
    IProjectionCoordinator coordinator,
    TimeProvider time,
    ILogger<StoppedReaders> log
) : BackgroundService
{
    /// <summary>How often it looks; the coordinator starts the reader within a further second.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>The leader starts a paused reader within two seconds; one that rests for longer is not its.</summary>
    private static readonly TimeSpan PausedMax = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                Eject();
        }
        catch (OperationCanceledException)
        {
            // The role stops.
        }
    }

    private void Eject()
    {
        try
        {
            var daemon = coordinator.DaemonForMainDatabase();
            foreach (var agent in daemon.CurrentAgents().Where(IsLeft))
            {
                BeginsAgain(agent.Name.Identity, agent.Failure?.Detail ?? "it was stopped");
                daemon.EjectPausedShard(agent.Name.Identity);
            }
        }
        catch (ObjectDisposedException)
        {
            // The daemon ends before this does.
        }
    }

    private bool IsLeft(ISubscriptionAgent agent) =>
        agent.Status == AgentStatus.Stopped
        || agent is { Status: AgentStatus.Paused, PausedTime: { } since } && time.GetUtcNow() - since > PausedMax;

    [LoggerMessage(1, LogLevel.Warning, "{Reader} was stopped and begins again: {Cause}")]
    private partial void BeginsAgain(string reader, string cause);
}
