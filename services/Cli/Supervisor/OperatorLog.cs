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
    public async Task WriteAsync(string action, string target, Caller caller, string reason, string detail)
    {
        var role = KeyAuthentication.Word(caller.Role);
        var acted = new OperatorActed(action, target, caller.Name, role, reason, clock.GetUtcNow(), detail);
        using var timeout = new CancellationTokenSource(Timeout, clock);
        try
        {
            await publisher.PublishAsync(Topics.OperatorActions, target, acted, acted.At, timeout.Token);
        }
        catch (Exception e) when (e is KafkaException or PublishException or OperationCanceledException)
        {
            NotPublished(logger, e.Message, acted);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "What an operator did is not on the topic, because of '{Error}': {Acted}"
    )]
    private static partial void NotPublished(ILogger logger, string error, OperatorActed acted);
}
