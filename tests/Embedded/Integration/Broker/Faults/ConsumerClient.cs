using Confluent.Kafka;

namespace EventStream.Embedded.Tests.Integration.Broker.Faults;

/// <summary>
/// A member of a group that commits after it has processed: <c>p partition offset</c> says that a record is processed,
/// <c>k partition offset</c> that the broker has acknowledged the commit of everything before it.
/// </summary>
internal static class ConsumerClient
{
    public const string Group = "processors";
    private const int CommitAfter = 50;

    public static void Run(string bootstrap, string topic, CancellationToken stop)
    {
        using var consumer = new ConsumerBuilder<Ignore, string>(
            new ConsumerConfig
            {
                BootstrapServers = bootstrap,
                GroupId = Group,
                AutoOffsetReset = AutoOffsetReset.Earliest,
                EnableAutoCommit = false,
                EnableAutoOffsetStore = false,
                SessionTimeoutMs = 4000,
                HeartbeatIntervalMs = 300,
                FetchWaitMaxMs = 100,
                ReconnectBackoffMaxMs = 200,
            }
        ).SetLogHandler((_, _) => { }).Build();
        consumer.Subscribe(topic);
        var processed = 0;
        while (!stop.IsCancellationRequested)
        {
            if (consumer.Consume(TimeSpan.FromMilliseconds(100)) is { } record)
            {
                System.Console.Out.WriteLine($"p {record.Partition.Value} {record.Offset.Value}");
                consumer.StoreOffset(record);
                processed++;
            }
            if (processed >= CommitAfter)
            {
                Commit(consumer);
                processed = 0;
            }
        }
        consumer.Close();
    }

    private static void Commit(IConsumer<Ignore, string> consumer)
    {
        try
        {
            foreach (var committed in consumer.Commit())
            {
                System.Console.Out.WriteLine($"k {committed.Partition.Value} {committed.Offset.Value}");
            }
        }
        catch (KafkaException e) when (!e.Error.IsFatal)
        {
            // The group rebalances, the broker is gone or nothing was stored: the next commit says it again.
        }
    }
}
