using Confluent.Kafka;

namespace EventStream.Embedded.Tests.Integration.Broker.Faults;

/// <summary>
/// A transactional producer that moves amounts between accounts: each transfer is two records of one transaction, in
/// two partitions. Every fifth is aborted. It says what has been decided: <c>t id</c> committed, <c>x id</c> aborted.
/// </summary>
internal static class TransferClient
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static void Run(string bootstrap, string topic, string name, string run, CancellationToken stop)
    {
        using var producer = new ProducerBuilder<string, string>(
            new ProducerConfig
            {
                BootstrapServers = bootstrap,
                TransactionalId = name,
                TransactionTimeoutMs = 60_000,
                LingerMs = 0,
                ReconnectBackoffMaxMs = 200,
                // As in the product: librdkafka issue 5511.
                MetadataRecoveryStrategy = MetadataRecoveryStrategy.None,
            }
        ).SetLogHandler((_, _) => { }).Build();
        producer.InitTransactions(Patience);
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            var id = $"{name}.{run}.{number}";
            producer.BeginTransaction();
            producer.Produce(new TopicPartition(topic, 0), new Message<string, string> { Key = id, Value = "-7" });
            producer.Produce(new TopicPartition(topic, 1), new Message<string, string> { Key = id, Value = "7" });
            if (number % 5 == 4)
            {
                // Not cut short by the stop: a transaction left open would hide what others committed after it began.
                producer.Flush(Patience);
                producer.AbortTransaction(Patience);
                System.Console.Out.WriteLine($"x {id}");
            }
            else
            {
                producer.CommitTransaction(Patience);
                System.Console.Out.WriteLine($"t {id}");
            }
            stop.WaitHandle.WaitOne(Pause);
        }
    }
}
