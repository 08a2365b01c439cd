using Confluent.Kafka;

namespace EventStream.Embedded.Tests.Integration.Broker;

/// <summary>kill -9 of a real broker process while producers write to it.</summary>
[Trait("Category", "Integration")]
public sealed class KilledProcessTests
{
    private const string Topic = "killed";

    [Fact]
    public async Task Nothing_acknowledged_is_lost_or_doubled_and_transactions_are_whole()
    {
        await using var broker = new KilledProcess();
        await broker.StartAsync();
        var config = new AdminClientConfig { BootstrapServers = broker.Bootstrap };
        using (var admin = new AdminClientBuilder(config).Build())
        {
            await admin.CreateTopicsAsync([
                new()
                {
                    Name = Topic,
                    NumPartitions = 1,
                    ReplicationFactor = 1,
                },
            ]);
        }
        using var plain = Producer(broker, null);
        using var transactional = Producer(broker, "killed-tx");
        transactional.InitTransactions(Clients.Patience);
        var (sent, acknowledged) = (0, 0);
        for (var round = 0; round < 3; round++)
        {
            transactional.BeginTransaction();
            transactional.Produce(Topic, new Message<string, string> { Key = "open", Value = $"{round}a" });
            transactional.Flush(Clients.Patience);
            for (var i = 0; i < 3000; i++)
            {
                plain.Produce(
                    Topic,
                    new Message<string, string> { Key = "plain", Value = $"{sent++}" },
                    report => Interlocked.Add(ref acknowledged, report.Error.IsError ? 0 : 1)
                );
            }
            await broker.KillAsync();
            await broker.StartAsync();
            transactional.Produce(Topic, new Message<string, string> { Key = "open", Value = $"{round}b" });
            Finish(transactional, commit: round != 1);
        }
        plain.Flush(TimeSpan.FromSeconds(60));
        Assert.Equal(sent, acknowledged);
        var records = Clients.ReadAll(broker.Bootstrap, Topic, sent + 4, IsolationLevel.ReadCommitted);
        Assert.Equal(
            Enumerable.Range(0, sent).Select(i => $"{i}"),
            records.Where(r => r.Message.Key == "plain").Select(r => r.Message.Value)
        );
        Assert.Equal(
            ["0a", "0b", "2a", "2b"],
            records.Where(r => r.Message.Key == "open").Select(r => r.Message.Value)
        );
    }

    private static void Finish(IProducer<string, string> producer, bool commit)
    {
        if (commit)
        {
            producer.CommitTransaction(TimeSpan.FromSeconds(60));
        }
        else
        {
            producer.AbortTransaction(TimeSpan.FromSeconds(60));
        }
    }

    private static IProducer<string, string> Producer(KilledProcess broker, string? transactionalId) =>
        new ProducerBuilder<string, string>(
            new ProducerConfig
            {
                BootstrapServers = broker.Bootstrap,
                EnableIdempotence = true,
                TransactionalId = transactionalId,
                TransactionTimeoutMs = 120_000,
                MessageTimeoutMs = 60_000,
                LingerMs = 1,
                ReconnectBackoffMaxMs = 500,
            }
        ).SetLogHandler((_, _) => { }).Build();
}
