using EventStream.Contracts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Messaging.Kafka;

/// <summary>Registers consumers and topics in one line each.</summary>
public static class ConsumerExtensions
{
    /// <summary>
    /// Adds a consumer that hands every message to <paramref name="handle"/>, and a readiness check of its name: a role
    /// whose read model begins with what is there at the start is ready when it has read that. The handler may be
    /// called again for a message that it had processed.
    /// </summary>
    public static IServiceCollection AddEventConsumer(
        this IServiceCollection services,
        ConsumerOptions options,
        Func<IServiceProvider, ConsumedMessage, CancellationToken, Task> handle
    )
    {
        services.AddKeyedSingleton(
            options.Group,
            (provider, _) =>
                ActivatorUtilities.CreateInstance<EventConsumer>(
                    provider,
                    options,
                    (ConsumedMessage message, CancellationToken cancellation) => handle(provider, message, cancellation)
                )
        );
        services.AddSingleton<IHostedService>(provider =>
            provider.GetRequiredKeyedService<EventConsumer>(options.Group)
        );
        services.AddReadiness(
            $"consumer {options.Group}",
            (provider, _) =>
            {
                var consumer = provider.GetRequiredKeyedService<EventConsumer>(options.Group);
                var behind = options.FromBeginning && !consumer.CaughtUp.IsCompleted;
                return Task.FromResult(
                    consumer.Trouble ?? (behind ? "what was there at the start is being read" : null)
                );
            }
        );
        return services.AddNeededTopics(_ => NeededBy(options));
    }

    private static IEnumerable<NeededTopic> NeededBy(ConsumerOptions options)
    {
        foreach (var topic in options.Topics)
            yield return new NeededTopic(topic.Name);
        if (!options.FromBeginning)
            yield return NeededTopic.OfGroup(options.Group);
        if (options.BadRecords == BadRecordPolicy.DeadLetter)
            yield return new NeededTopic(Topics.DeadLetters.Name) { MayBeMissing = true };
    }

    /// <summary>
    /// Creates the topics before the role's consumers start, waiting for the broker as long as the role runs. Call it
    /// before <see cref="AddEventConsumer"/>: hosted services start in the order of their registration. Where a topic
    /// exists with other settings, the log says so and <c>/health/ready</c> shows the role as degraded: it works, and
    /// somebody should see to the topic. While a partition of theirs has no leader the role is not ready.
    /// </summary>
    public static IServiceCollection AddTopics(this IServiceCollection services, params Topic[] topics)
    {
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<TopicStart>(provider, (object)topics));
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<TopicStart>());
        services.AddReadinessWarning("topics", provider => provider.GetRequiredService<TopicStart>().Differences);
        return services.AddNeededTopics(_ => topics.Select(topic => new NeededTopic(topic.Name)));
    }
}

/// <summary>Creates topics at the start of a role and tries again while the broker is away.</summary>
internal sealed partial class TopicStart(
    Topic[] topics,
    TopicAdmin admin,
    TimeProvider clock,
    ILogger<TopicStart> logger
) : IHostedService
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    /// <summary>A sentence for each setting that differs from the contracts.</summary>
    public IReadOnlyList<string> Differences { get; private set; } = [];

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                var differences = await admin.EnsureAsync(topics, cancellationToken);
                Differences = [.. differences.Select(difference => difference.ToString())];
                foreach (var sentence in Differences)
                    Differs(logger, sentence);
                return;
            }
            catch (Confluent.Kafka.KafkaException e)
            {
                Waiting(logger, e.Error.Reason);
                await Task.Delay(RetryDelay, clock, cancellationToken);
            }
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Sentence}")]
    private static partial void Differs(ILogger logger, string sentence);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Waiting for Kafka: {Reason}")]
    private static partial void Waiting(ILogger logger, string reason);
}
