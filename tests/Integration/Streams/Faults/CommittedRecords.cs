using System.Diagnostics;
using Confluent.Kafka;

namespace EventStream.Integration.Tests.Streams.Faults;

/// <summary>What a reader of committed records finds, and how far a group is.</summary>
internal static class CommittedRecords
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>The records of every partition up to its present end, each partition in order.</summary>
    public static IReadOnlyList<Message<byte[], byte[]>> Of(string bootstrap, string topic, int partitions)
    {
        using var consumer = Reader(bootstrap, "reader");
        consumer.Assign(Partitions(topic, partitions).Select(one => new TopicPartitionOffset(one, Offset.Beginning)));
        var (messages, open) = (new List<Message<byte[], byte[]>>(), partitions);
        for (var clock = Stopwatch.StartNew(); open > 0 && clock.Elapsed < Patience; )
        {
            var result = consumer.Consume(TimeSpan.FromMilliseconds(200));
            if (result is { IsPartitionEOF: true })
                open--;
            else if (result is not null)
                messages.Add(result.Message);
        }

        return open == 0
            ? messages
            : throw new TimeoutException($"{topic} did not come to an end after {messages.Count} records.");
    }

    /// <summary>The sum of the offsets that a group has committed.</summary>
    public static long Offsets(IConsumer<byte[], byte[]> group, string topic, int partitions) =>
        group.Committed(Partitions(topic, partitions), Patience).Sum(at => Math.Max(at.Offset.Value, 0));

    /// <summary>A consumer that reads what is committed, and stores no offsets.</summary>
    public static IConsumer<byte[], byte[]> Reader(
        string bootstrap,
        string group,
        IsolationLevel isolation = IsolationLevel.ReadCommitted
    ) => new ConsumerBuilder<byte[], byte[]>(
            new ConsumerConfig
            {
                BootstrapServers = bootstrap,
                GroupId = group,
                EnableAutoCommit = false,
                EnablePartitionEof = true,
                IsolationLevel = isolation,
                FetchWaitMaxMs = 50,
                ReconnectBackoffMaxMs = 200,
            }
        ).SetLogHandler((_, _) => { }).Build();

    private static IEnumerable<TopicPartition> Partitions(string topic, int partitions) =>
        Enumerable.Range(0, partitions).Select(partition => new TopicPartition(topic, partition));
}
