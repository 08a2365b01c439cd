using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Microsoft.Extensions.Logging;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// Answers: on how many machines does a consumer group have members? Asking never waits: an answer that is older than
/// <see cref="FreshFor"/> is given once more while the broker is asked again.
/// </summary>
public sealed partial class GroupHosts(
    KafkaOptions options,
    string group,
    TimeProvider clock,
    ILogger<GroupHosts> logger
)
{
    public static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(5);

    private readonly Lock sync = new();
    private Task asking = Task.CompletedTask;
    private long? askedAt;
    private volatile int count;

    /// <summary>How many there were when the broker answered last; 0 before that.</summary>
    public int Count
    {
        get
        {
            lock (sync)
            {
                if (asking.IsCompleted && (askedAt is not { } at || clock.GetElapsedTime(at) >= FreshFor))
                {
                    askedAt = clock.GetTimestamp();
                    asking = Task.Run(AskAsync);
                }
            }

            return count;
        }
    }

    private async Task AskAsync()
    {
        try
        {
            using var admin = new AdminClientBuilder(new AdminClientConfig(options.ClientConfig("eventstream-admin")))
                .SetLogHandler((_, _) => { })
                .SetErrorHandler((_, _) => { })
                .Build();
            var described = await admin.DescribeConsumerGroupsAsync(
                [group],
                new DescribeConsumerGroupsOptions { RequestTimeout = RequestTimeout }
            );
            count = described
                .ConsumerGroupDescriptions.SelectMany(found => found.Members)
                .Select(member => member.Host)
                .Distinct(StringComparer.Ordinal)
                .Count();
        }
        catch (KafkaException e)
        {
            // What was known before is the best answer.
            Unknown(logger, group, e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "The members of {Group} are unknown: {Cause}")]
    private static partial void Unknown(ILogger logger, string group, string cause);
}
