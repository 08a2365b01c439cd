using Confluent.Kafka;

namespace EventStream.Embedded.Tests.Integration.Broker.Faults;

/// <summary>
/// An idempotent producer that numbers its records, and says of each where the broker has acknowledged it:
/// <c>a name number offset</c>.
/// </summary>
internal static class ProducerClient
{
    private const int InBurst = 20;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    public static void Run(string bootstrap, string topic, string name, int partition, CancellationToken stop)
    {
        using var producer = new ProducerBuilder<string, string>(
            new ProducerConfig
            {
                BootstrapServers = bootstrap,
                EnableIdempotence = true,
                LingerMs = 2,
                MessageTimeoutMs = 300_000,
                ReconnectBackoffMaxMs = 200,
            }
        ).SetLogHandler((_, _) => { }).Build();
        var target = new TopicPartition(topic, partition);
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            var sent = number;
            producer.Produce(
                target,
                new Message<string, string> { Key = name, Value = $"{name}:{sent}" },
                report =>
                {
                    if (!report.Error.IsError)
                    {
                        System.Console.Out.WriteLine($"a {name} {sent} {report.Offset.Value}");
                    }
                }
            );
            if (number % InBurst == 0)
            {
                stop.WaitHandle.WaitOne(Pause);
            }
        }
        while (producer.Flush(TimeSpan.FromSeconds(1)) > 0)
        {
            // Whatever was sent is acknowledged before the end, however often the broker is killed meanwhile.
        }
    }
}
