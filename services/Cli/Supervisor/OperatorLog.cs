using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Hosting.Access;
using EventStream.Messaging.Kafka;

namespace EventStream.Cli.Supervisor;

/// <summary>
/// Publishes what an operator did by hand. A broker that is away does not keep an operator from acting: the event then
/// is a line of the log.
/// </summary>
internal sealed partial class OperatorLog(IEventPublisher publisher, TimeProvider clock, ILogger<OperatorLog> logger)
{
    /// <summary>Longest reason, in characters.</summary>
    public const int ReasonLengthMax = 500;

    /// <summary>Longest wait for the broker's word.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Publishes what <paramref name="caller"/> did; returns when the broker has it, or does not take it.
    /// </summary>
    public async Task WriteAsync(
        string action,
        string target,
        Caller caller,
        string reason,
        string detail,
        CancellationToken cancellation
    )
    {
        var acted = new OperatorActed(
            action,
            target,
            caller.Name,
            KeyAuthentication.Word(caller.Role),
            reason,
            clock.GetUtcNow(),
            detail
        );
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(Timeout);
        try
        {
            await publisher.PublishAsync(Topics.OperatorActions, target, acted, acted.At, timeout.Token);
        }
        catch (Exception e) when (e is KafkaException or PublishException or OperationCanceledException)
        {
            NotPublished(logger, action, target, acted.Who, acted.Role, reason, detail, e.Message);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Action} {Target} by {Who} ({Role}), because '{Reason}': {Detail}. It is not on the topic: {Error}"
    )]
    private static partial void NotPublished(
        ILogger logger,
        string action,
        string target,
        string who,
        string role,
        string reason,
        string detail,
        string error
    );
}
