using Confluent.Kafka;
using EventStream.Broker;
using EventStream.Messaging.Kafka;

namespace EventStream.Benchmarks;

/// <summary>
/// Idempotent, acknowledged produce and consume against the platform's broker, beside librdkafka's in-process mock
/// cluster, which writes nothing to disk.
/// </summary>
internal static class BrokerBenchmark
{
    private const int Records = 50_000;
    private const int RecordBytes = 600;
    private const string TopicName = "bench";

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("eventstream-bench").FullName;
        try
        {
            await using var broker = await DevBroker.StartAsync(
                new BrokerOptions { DataFolder = folder, AutoCreateTopics = true }, CancellationToken.None);
            var own = new KafkaOptions { Bootstrap = broker.Bootstrap }.ProducerConfig("bench");
            var mock = new KafkaOptions { Bootstrap = "unused:1" }.ProducerConfig("bench");
            mock.Set("test.mock.num.brokers", "1");
            var produce = await Measure.RatesAsync(Records, () => ProduceAsync(own), () => ProduceAsync(mock));
            var consume = await Measure.RatesAsync(Records, () => ConsumeAsync(broker.Bootstrap));
            return
            [
                Figure.AgainstPeer(
                    "broker produce 600 B, idempotent", "records/s", produce[0], produce[1], "librdkafka mock, in "
                        + "memory", ">= 0.5"),
                Figure.AgainstLimit("broker consume 600 B v produce", "records/s", consume[0], produce[0], ">= 1"),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task ProduceAsync(ProducerConfig config)
    {
        using var producer = new ProducerBuilder<Null, byte[]>(config).SetLogHandler((_, _) => { }).Build();
        var value = new byte[RecordBytes];
        new Random(1).NextBytes(value);
        var left = Records;
        var done = new TaskCompletionSource();
        void Delivered(DeliveryReport<Null, byte[]> report)
        {
            if (report.Error.IsError) done.TrySetException(new KafkaException(report.Error));
            else if (Interlocked.Decrement(ref left) == 0) done.TrySetResult();
        }

        for (var i = 0; i < Records; i++)
        {
            while (!TryProduce(producer, value, Delivered)) producer.Poll(TimeSpan.FromMilliseconds(10));
        }

        await done.Task;
    }

    private static bool TryProduce(
        IProducer<Null, byte[]> producer, byte[] value, Action<DeliveryReport<Null, byte[]>> delivered)
    {
        try
        {
            producer.Produce(TopicName, new Message<Null, byte[]> { Value = value }, delivered);
            return true;
        }
        catch (ProduceException<Null, byte[]> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
        {
            return false;
        }
    }

    private static Task ConsumeAsync(string bootstrap) => Task.Run(() =>
    {
        var config = new KafkaOptions { Bootstrap = bootstrap }.ConsumerConfig("bench", "bench");
        config.QueuedMaxMessagesKbytes = 64 * 1024;
        using var consumer = new ConsumerBuilder<Ignore, byte[]>(config).SetLogHandler((_, _) => { }).Build();
        consumer.Assign(new TopicPartitionOffset(TopicName, 0, Offset.Beginning));
        for (var i = 0; i < Records; i++)
        {
            if (consumer.Consume(TimeSpan.FromSeconds(30)) is null) throw new TimeoutException(
                "The broker gave no record for 30 s.");
        }

        consumer.Close();
    });
}
