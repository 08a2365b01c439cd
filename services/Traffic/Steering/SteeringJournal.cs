using System.Threading.Channels;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Traffic.Steering;

/// <summary>
/// Publishes decisions to <c>traffic.decisions</c> in their order. Deciding never waits for Kafka; while it is
/// away, the newest <see cref="QueueDepthMax"/> decisions are kept and tried again.
/// </summary>
internal sealed partial class SteeringJournal(
    IEventPublisher publisher,
    TimeProvider clock,
    ILogger<SteeringJournal> logger
) : BackgroundService
{
    /// <summary>
    /// Decisions that wait; with the hold time between changes this is hours of flapping of one edge.
    /// </summary>
    public const int QueueDepthMax = 1024;

    private readonly Channel<SteeringDecided> queue = Channel.CreateBounded<SteeringDecided>(
        new BoundedChannelOptions(QueueDepthMax) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true }
    );

    public void Add(SteeringDecided decision)
    {
        Decided(logger, decision.Policy, string.Join(", ", decision.PathwayPriority), decision.Reason);
        queue.Writer.TryWrite(decision);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var decision in queue.Reader.ReadAllAsync(stoppingToken))
            {
                await publisher.PublishUntilTakenAsync(
                    Topics.TrafficDecisions,
                    decision.Policy,
                    decision,
                    decision.DecidedAt,
                    clock,
                    refusal => NotPublished(logger, refusal.Message),
                    stoppingToken
                );
            }
        }
        catch (OperationCanceledException)
        {
            // The role stops.
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Policy}: {Order}. {Reason}")]
    private static partial void Decided(ILogger logger, string policy, string order, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A decision waits to be published: {Reason}")]
    private static partial void NotPublished(ILogger logger, string reason);
}
