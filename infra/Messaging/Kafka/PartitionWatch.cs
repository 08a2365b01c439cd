using Confluent.Kafka;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// A topic whose partitions a role needs. With a <paramref name="Key"/> it is an internal topic of Kafka, of which only
/// the partition counts that keeps this group or transactional id; Kafka makes those topics at their first use.
/// </summary>
public sealed record NeededTopic(string Name, string? Key = null)
{
    /// <summary>Whether the role works without it, because it is made at its first use.</summary>
    public bool MayBeMissing { get; init; } = Key is not null;

    /// <summary>The topic that keeps the offsets of a consumer group.</summary>
    public static NeededTopic OfGroup(string group) => new("__consumer_offsets", group);

    /// <summary>The topic that keeps the state of a transactional id.</summary>
    public static NeededTopic OfTransactions(string transactionalId) => new("__transaction_state", transactionalId);

    /// <summary>Whether the role needs this partition of so many.</summary>
    internal bool Needs(int partition, int count) => Key is null || partition == KeptIn(Key, count);

    /// <summary>Where Kafka keeps a group or transactional id: Java's hash of the text, without its sign.</summary>
    internal static int KeptIn(string key, int partitions) =>
        (key.Aggregate(0, (hash, letter) => unchecked(31 * hash + letter)) & int.MaxValue) % partitions;
}

/// <summary>Topics that a part of a role needs, which may be known only later.</summary>
public sealed record NeededTopics(Func<IEnumerable<NeededTopic>> Names);

/// <summary>
/// Asks Kafka every <see cref="Interval"/> whether each partition that the role needs has a leader. A partition without
/// one takes and gives nothing, so that the role is not ready, and says which, until it has one again. Readiness reads
/// the last answer: however often it is asked, Kafka is not asked more often.
/// </summary>
public sealed partial class PartitionWatch(
    KafkaOptions options,
    IClientName client,
    IEnumerable<NeededTopics> needed,
    TimeProvider clock,
    ILogger<PartitionWatch> logger
) : BackgroundService
{
    /// <summary>Time between two looks.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(3);

    /// <summary>Time for one look.</summary>
    private static readonly TimeSpan LookTimeout = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Time without an answer until the role is not ready: a broker that starts again is back before.
    /// </summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>How long a request for readiness waits for the first look.</summary>
    private static readonly TimeSpan FirstLookWait = TimeSpan.FromSeconds(2);

    /// <summary>Partitions that the sentence names; it counts the others.</summary>
    private const int NamedMax = 20;

    private readonly TaskCompletionSource looked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string clientId = $"eventstream-{client.Name}-watch";
    private volatile string? trouble = $"Kafka at {options.Bootstrap} has not answered yet.";
    private long answeredAt;
    private bool answered;

    /// <summary>What is missing as of the last look, or null. Waits a moment for the first one.</summary>
    public async Task<string?> TroubleAsync(CancellationToken cancellation)
    {
        try
        {
            await looked.Task.WaitAsync(FirstLookWait, clock, cancellation);
        }
        catch (TimeoutException)
        {
            // The sentence says that there was no answer yet.
        }

        return trouble;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // A consumer's requests never create a topic, and any broker answers them: an administrator's wait for one.
        using var consumer = new ConsumerBuilder<byte[], byte[]>(options.ConsumerConfig(clientId, clientId))
            .SetLogHandler((_, message) => ClientMessage(logger, message.Message))
            .SetErrorHandler((_, error) => ClientMessage(logger, error.Reason))
            .Build();
        using var admin = new DependentAdminClientBuilder(consumer.Handle).Build();
        using var timer = new PeriodicTimer(Interval, clock);
        do
        {
            // To its end: a client must not be closed while a request is under way.
            await Task.Run(() => Look(admin, stoppingToken), CancellationToken.None);
            looked.TrySetResult();
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private void Look(IAdminClient admin, CancellationToken stopping)
    {
        var topics = needed.SelectMany(part => part.Names()).Distinct().ToList();
        try
        {
            var found = new List<TopicMetadata>();
            foreach (var name in topics.Select(topic => topic.Name).Distinct())
            {
                if (stopping.IsCancellationRequested)
                    return;
                found.AddRange(admin.GetMetadata(name, LookTimeout).Topics);
            }

            (answeredAt, answered) = (clock.GetTimestamp(), true);
            Say(Missing(topics, found));
        }
        catch (KafkaException e)
        {
            if (!answered || clock.GetElapsedTime(answeredAt) > Patience)
                Say($"Kafka at {options.Bootstrap} does not answer: {e.Error.Reason.TrimEnd('.')}.");
        }
    }

    /// <summary>A sentence for topics and partitions that are not there, or null.</summary>
    internal static string? Missing(IReadOnlyList<NeededTopic> needed, IReadOnlyList<TopicMetadata> found)
    {
        var byName = found.ToDictionary(topic => topic.Topic, StringComparer.Ordinal);
        var sentences = new List<string>();
        var leaderless = new List<string>();
        foreach (var topic in needed)
        {
            if (!byName.TryGetValue(topic.Name, out var there))
                continue;
            if (there.Error.Code == ErrorCode.UnknownTopicOrPart)
            {
                if (!topic.MayBeMissing)
                    sentences.Add($"Topic '{topic.Name}' does not exist; `eventstream topics create` makes it.");
            }
            else if (there.Error.IsError && there.Error.Code != ErrorCode.LeaderNotAvailable)
            {
                sentences.Add($"Topic '{topic.Name}': {there.Error.Reason}.");
            }

            leaderless.AddRange(
                from partition in there.Partitions
                where partition.Leader < 0 && topic.Needs(partition.PartitionId, there.Partitions.Count)
                select $"{topic.Name} {partition.PartitionId}"
            );
        }

        var names = leaderless.Distinct().ToList();
        if (names.Count > 0)
        {
            var more = names.Count > NamedMax ? $" and {names.Count - NamedMax} more" : "";
            sentences.Add(
                $"Partitions without a leader, as no broker that holds them runs: "
                    + $"{string.Join(", ", names.Take(NamedMax))}{more}."
            );
        }

        return sentences.Count > 0 ? string.Join(' ', sentences) : null;
    }

    private void Say(string? sentence)
    {
        if (sentence == trouble)
            return;
        if (sentence is not null)
            Unavailable(logger, sentence);
        else if (looked.Task.IsCompleted)
            Available(logger);
        trouble = sentence;
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Kafka: {Text}")]
    private static partial void ClientMessage(ILogger logger, string text);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Not ready: {Sentence}")]
    private static partial void Unavailable(ILogger logger, string sentence);

    [LoggerMessage(Level = LogLevel.Information, Message = "Every partition that this role needs has a leader again.")]
    private static partial void Available(ILogger logger);
}

/// <summary>Registers what a role needs of Kafka.</summary>
public static class PartitionWatchExtensions
{
    /// <summary>
    /// The role is ready only while Kafka answers and every partition of these topics has a leader. Topics and
    /// consumers that are added to a role are watched without this call.
    /// </summary>
    public static IServiceCollection AddNeededTopics(
        this IServiceCollection services,
        Func<IServiceProvider, IEnumerable<NeededTopic>> topics
    )
    {
        services.AddSingleton(provider => new NeededTopics(() => topics(provider)));
        if (services.Any(service => service.ServiceType == typeof(PartitionWatch)))
            return services;
        services.AddSingleton<PartitionWatch>();
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<PartitionWatch>());
        services.AddReadiness(
            "kafka",
            (provider, cancellation) => provider.GetRequiredService<PartitionWatch>().TroubleAsync(cancellation)
        );
        return services;
    }
}
