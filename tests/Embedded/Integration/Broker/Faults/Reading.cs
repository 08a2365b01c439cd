using Confluent.Kafka;

namespace EventStream.Embedded.Tests.Integration.Broker.Faults;

/// <summary>What a stock client finds in the topics of a crash run.</summary>
internal static class Reading
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>The offsets behind the last record of each partition that read_committed consumers see.</summary>
    public static long[] Ends(string bootstrap, string topic, int partitions)
    {
        using var consumer = Build(bootstrap, "ends");
        return
        [
            .. Enumerable
                .Range(0, partitions)
                .Select(p => consumer.QueryWatermarkOffsets(new TopicPartition(topic, p), Patience).High.Value),
        ];
    }

    /// <summary>What a group has committed for each partition, 0 where nothing.</summary>
    public static long[] Committed(string bootstrap, string group, string topic, int partitions)
    {
        using var consumer = Build(bootstrap, group);
        return Committed(consumer, topic, partitions);
    }

    /// <summary>The same for the group of a consumer that is there.</summary>
    public static long[] Committed(IConsumer<string, string> consumer, string topic, int partitions) =>
        [
            .. consumer
                .Committed(Enumerable.Range(0, partitions).Select(p => new TopicPartition(topic, p)), Patience)
                .OrderBy(c => c.Partition.Value)
                .Select(c => Math.Max(c.Offset.Value, 0)),
        ];

    /// <summary>Every committed record of a partition, in order.</summary>
    public static List<ConsumeResult<string, string>> All(string bootstrap, string topic, int partition)
    {
        using var consumer = Build(bootstrap, "reader");
        consumer.Assign(new TopicPartitionOffset(topic, partition, Offset.Beginning));
        var records = new List<ConsumeResult<string, string>>();
        for (var clock = System.Diagnostics.Stopwatch.StartNew(); clock.Elapsed < Patience; )
        {
            var result = consumer.Consume(TimeSpan.FromMilliseconds(200));
            if (result is { IsPartitionEOF: true })
            {
                return records;
            }
            if (result is not null)
            {
                records.Add(result);
                clock.Restart();
            }
        }
        throw new TimeoutException($"{topic} did not come to an end after {records.Count} records.");
    }

    /// <summary>A consumer that reads what is committed.</summary>
    public static IConsumer<string, string> Build(string bootstrap, string group) => new ConsumerBuilder<
            string,
            string
        >(
            new ConsumerConfig
            {
                BootstrapServers = bootstrap,
                GroupId = group,
                EnableAutoCommit = false,
                EnablePartitionEof = true,
                IsolationLevel = IsolationLevel.ReadCommitted,
                FetchWaitMaxMs = 50,
                ReconnectBackoffMaxMs = 200,
            }
        ).SetLogHandler((_, _) => { }).Build();
}
