using Confluent.Kafka;
using EventStream.Embedded.Broker;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker;

/// <summary>What clients find after the broker was stopped, or ended as kill -9 ends it.</summary>
[Trait("Category", "Integration")]
public sealed class DurabilityTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Records_offsets_and_topics_survive_and_the_same_clients_go_on(bool abruptly)
    {
        await using var broker = await TestBroker.StartAsync();
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1, ("retention.ms", "-1"));
        using var producer = Clients.Producer(broker);
        using var consumer = Clients.Consumer(broker, "durable");
        consumer.Subscribe(topic);
        for (var round = 0; round < 3; round++)
        {
            await producer.ProduceAsync(topic, new Message<string, string> { Key = "k", Value = $"{round}" });
            var read = consumer.Consume(Clients.Patience);
            Assert.Equal($"{round}", read.Message.Value);
            consumer.Commit(read);
            await broker.RestartAsync(abruptly);
        }
        Assert.Equal(["0", "1", "2"], Clients.ReadAll(broker, topic, 3).Select(r => r.Message.Value));
        using var next = Clients.Consumer(broker, "durable");
        Assert.Equal(3, next.Committed([new TopicPartition(topic, 0)], Clients.Patience)[0].Offset.Value);
    }

    [Fact]
    public async Task Nothing_acknowledged_is_lost_or_doubled_when_the_broker_is_killed_under_load()
    {
        await using var broker = await TestBroker.StartAsync();
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1);
        using var producer = Clients.Producer(broker, c => c.MessageTimeoutMs = 60_000);
        var (acknowledged, sent) = (0, 0);
        for (var round = 0; round < 4; round++)
        {
            for (var i = 0; i < 2000; i++)
            {
                producer.Produce(
                    topic,
                    new Message<string, string> { Key = "k", Value = $"{sent++}" },
                    report => Interlocked.Add(ref acknowledged, report.Error.IsError ? 0 : 1)
                );
            }
            producer.Poll(TimeSpan.Zero);
            await broker.RestartAsync(abruptly: true);
        }
        producer.Flush(TimeSpan.FromSeconds(60));
        Assert.Equal(sent, acknowledged);
        var values = Clients.ReadAll(broker, topic, sent).Select(r => r.Message.Value);
        Assert.Equal(Enumerable.Range(0, sent).Select(i => $"{i}"), values);
    }

    [Fact]
    public async Task A_transaction_open_when_the_broker_was_killed_can_still_be_committed()
    {
        await using var broker = await TestBroker.StartAsync();
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1);
        using var producer = Clients.Producer(broker, c => c.TransactionalId = "survivor");
        producer.InitTransactions(Clients.Patience);
        producer.BeginTransaction();
        await producer.ProduceAsync(topic, new Message<string, string> { Key = "k", Value = "before" });
        await broker.RestartAsync(abruptly: true);
        Assert.Empty(Clients.ReadAll(broker, topic, 0));
        await producer.ProduceAsync(topic, new Message<string, string> { Key = "k", Value = "after" });
        producer.CommitTransaction(Clients.Patience);
        Assert.Equal(["before", "after"], Clients.ReadAll(broker, topic, 2).Select(r => r.Message.Value));
    }

    [Fact]
    public async Task A_deleted_topic_stays_deleted_and_one_of_the_same_name_begins_empty()
    {
        await using var broker = await TestBroker.StartAsync(o => o with { AutoCreateTopics = false });
        var topic = await Clients.CreateTopicAsync(broker, partitions: 2);
        using var admin = Clients.Admin(broker);
        using (var producer = Clients.Producer(broker))
        {
            await producer.ProduceAsync(
                new TopicPartition(topic, 0),
                new Message<string, string> { Key = "k", Value = "v" }
            );
        }
        await admin.DeleteTopicsAsync([topic]);
        await broker.RestartAsync(abruptly: true);
        await admin.CreateTopicsAsync([
            new()
            {
                Name = topic,
                NumPartitions = 1,
                ReplicationFactor = 1,
            },
        ]);
        Assert.Empty(Clients.ReadAll(broker, topic, 0));
    }

    [Fact]
    public async Task With_flush_always_many_producers_share_the_flushes()
    {
        await using var broker = await TestBroker.StartAsync(o => o with { Flush = FlushMode.Always });
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1);
        using var producer = Clients.Producer(broker);
        await Task.WhenAll(
            Enumerable
                .Range(0, 200)
                .Select(i => producer.ProduceAsync(topic, new Message<string, string> { Key = "k", Value = $"{i}" }))
        );
        await broker.RestartAsync(abruptly: true);
        Assert.Equal(200, Clients.ReadAll(broker, topic, 200).Count);
    }
}
