using System.Text;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace EventStream.Benchmarks.Streams;

/// <summary>The topic that all contestants read: 600-byte values of 10,000 keys, in event-time order.</summary>
internal static class StreamInput
{
    public const string Topic = "bench-values";
    public const int Partitions = 6;
    public const int Keys = 10_000;
    private const int ValueBytes = 600;
    private const int RecordsPerMs = 10;
    private const int FlushEvery = 10_000;

    public static async Task WriteAsync(string bootstrap, int records)
    {
        var config = new ClientConfig { BootstrapServers = bootstrap };
        using (var admin = new AdminClientBuilder(config).Build())
        {
            await admin.CreateTopicsAsync(
                from name in (string[])[Topic, WindowCount.Output]
                select new TopicSpecification
                {
                    Name = name,
                    NumPartitions = Partitions,
                    ReplicationFactor = 1,
                }
            );
        }

        using var producer = new ProducerBuilder<byte[], byte[]>(
            new ProducerConfig(config) { LingerMs = 5, BatchSize = 256 * 1024 }
        ).Build();
        var keys = Enumerable.Range(0, Keys).Select(key => Encoding.UTF8.GetBytes($"key-{key:00000}")).ToArray();
        var value = Encoding.UTF8.GetBytes($$"""{"text":"{{new string('x', ValueBytes - 11)}}"}""");
        var first = TimeProvider.System.GetUtcNow().AddMilliseconds(-records / RecordsPerMs).ToUnixTimeMilliseconds();
        for (var n = 0; n < records; n++)
        {
            // A stride that meets every key once in each round of keys.
            var key = (int)((long)n * 7_919 % Keys);
            producer.Produce(
                new TopicPartition(Topic, key % Partitions),
                new Message<byte[], byte[]>
                {
                    Key = keys[key],
                    Value = value,
                    Timestamp = new Timestamp(first + (n / RecordsPerMs), TimestampType.CreateTime),
                }
            );
            if (n % FlushEvery == FlushEvery - 1)
                producer.Flush();
        }

        producer.Flush();
    }
}
