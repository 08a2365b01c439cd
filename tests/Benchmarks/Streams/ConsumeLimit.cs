using Confluent.Kafka;

namespace EventStream.Benchmarks.Streams;

/// <summary>The least that any stream on librdkafka pays: it reads every record and commits its place.</summary>
internal static class ConsumeLimit
{
    private static readonly TimeSpan CommitInterval = TimeSpan.FromMilliseconds(100);

    public static void Run(string bootstrap, string topic, string group)
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(
            new ConsumerConfig
            {
                BootstrapServers = bootstrap,
                GroupId = group,
                AutoOffsetReset = AutoOffsetReset.Earliest,
                EnableAutoOffsetStore = true,
                AutoCommitIntervalMs = (int)CommitInterval.TotalMilliseconds,
            }
        ).SetLogHandler((_, _) => { }).Build();
        consumer.Subscribe(topic);
        // The parent ends this process.
        while (true)
            consumer.Consume(CommitInterval);
    }
}
