using Confluent.Kafka;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker;

/// <summary>
/// Transactions as the stock client makes them: all or nothing, one producer for an id, offsets with the records.
/// </summary>
[Trait("Category", "Integration")]
public sealed class TransactionTests(TestBroker broker) : IClassFixture<TestBroker>
{
    [Fact]
    public async Task Committed_records_are_read_and_aborted_ones_are_not()
    {
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1);
        using var producer = Transactional($"tx-{topic}");
        producer.InitTransactions(Clients.Patience);
        foreach (var (value, commit) in new[] { ("a", true), ("b", false), ("c", true), ("d", false) })
        {
            producer.BeginTransaction();
            producer.Produce(topic, new Message<string, string> { Key = "k", Value = value });
            producer.Flush(Clients.Patience);
            if (commit)
            {
                producer.CommitTransaction(Clients.Patience);
            }
            else
            {
                producer.AbortTransaction(Clients.Patience);
            }
        }
        Assert.Equal(["a", "c"], Values(topic, 2, IsolationLevel.ReadCommitted));
        Assert.Equal(["a", "b", "c", "d"], Values(topic, 4, IsolationLevel.ReadUncommitted));
    }

    [Fact]
    public async Task Records_of_an_open_transaction_and_what_follows_them_wait()
    {
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1);
        using var producer = Transactional($"tx-{topic}");
        producer.InitTransactions(Clients.Patience);
        producer.BeginTransaction();
        producer.Produce(topic, new Message<string, string> { Key = "k", Value = "open" });
        producer.Flush(Clients.Patience);
        using (var plain = Clients.Producer(broker))
        {
            await plain.ProduceAsync(topic, new Message<string, string> { Key = "k", Value = "behind" });
        }
        Assert.Empty(Values(topic, 0, IsolationLevel.ReadCommitted));
        producer.CommitTransaction(Clients.Patience);
        Assert.Equal(["open", "behind"], Values(topic, 2, IsolationLevel.ReadCommitted));
    }

    [Fact]
    public async Task A_second_producer_of_the_same_id_fences_the_first_and_aborts_its_transaction()
    {
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1);
        using var first = Transactional($"tx-{topic}");
        first.InitTransactions(Clients.Patience);
        first.BeginTransaction();
        await first.ProduceAsync(topic, new Message<string, string> { Key = "k", Value = "first" });
        using var second = Transactional($"tx-{topic}");
        second.InitTransactions(Clients.Patience);
        second.BeginTransaction();
        second.Produce(topic, new Message<string, string> { Key = "k", Value = "second" });
        second.CommitTransaction(Clients.Patience);
        var fenced = Assert.Throws<KafkaException>(() => first.CommitTransaction(Clients.Patience));
        Assert.True(fenced.Error.IsFatal, fenced.Error.ToString());
        Assert.Equal(["second"], Values(topic, 1, IsolationLevel.ReadCommitted));
    }

    [Fact]
    public async Task A_transaction_that_takes_too_long_is_aborted()
    {
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1);
        using var producer = Transactional($"tx-{topic}", timeoutMs: 1000);
        producer.InitTransactions(Clients.Patience);
        producer.BeginTransaction();
        await producer.ProduceAsync(topic, new Message<string, string> { Key = "k", Value = "late" });
        using (var plain = Clients.Producer(broker))
        {
            await plain.ProduceAsync(topic, new Message<string, string> { Key = "k", Value = "behind" });
        }
        Assert.Equal(["behind"], Values(topic, 1, IsolationLevel.ReadCommitted));
        Assert.Throws<KafkaException>(() => producer.CommitTransaction(Clients.Patience));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Offsets_sent_to_a_transaction_count_only_when_it_commits(bool commit)
    {
        var source = await Clients.CreateTopicAsync(broker, partitions: 1);
        using (var plain = Clients.Producer(broker))
        {
            await plain.ProduceAsync(source, new Message<string, string> { Key = "k", Value = "in" });
        }
        var target = await Clients.CreateTopicAsync(broker, partitions: 1);
        using var consumer = Clients.Consumer(broker, $"g-{source}");
        consumer.Subscribe(source);
        var read = consumer.Consume(Clients.Patience);
        Assert.Equal("in", read.Message.Value);
        using var producer = Transactional($"tx-{source}");
        producer.InitTransactions(Clients.Patience);
        producer.BeginTransaction();
        producer.Produce(target, new Message<string, string> { Key = "k", Value = "out" });
        var next = new TopicPartitionOffset(read.TopicPartition, read.Offset + 1);
        producer.SendOffsetsToTransaction([next], consumer.ConsumerGroupMetadata, Clients.Patience);
        if (commit)
        {
            producer.CommitTransaction(Clients.Patience);
        }
        else
        {
            producer.AbortTransaction(Clients.Patience);
        }
        var committed = consumer.Committed([read.TopicPartition], Clients.Patience)[0].Offset;
        Assert.Equal(commit ? new Offset(1) : Offset.Unset, committed);
        Assert.Equal(commit ? ["out"] : [], Values(target, commit ? 1 : 0, IsolationLevel.ReadCommitted));
    }

    [Fact]
    public async Task A_member_of_an_old_generation_cannot_commit_offsets_in_a_transaction()
    {
        var source = await Clients.CreateTopicAsync(broker, partitions: 1);
        using var plain = Clients.Producer(broker);
        await plain.ProduceAsync(source, new Message<string, string> { Key = "k", Value = "in" });
        IConsumerGroupMetadata old;
        using (var consumer = Clients.Consumer(broker, $"g-{source}"))
        {
            consumer.Subscribe(source);
            Assert.NotNull(consumer.Consume(Clients.Patience));
            old = consumer.ConsumerGroupMetadata;
            consumer.Close();
        }
        using var producer = Transactional($"tx-{source}");
        producer.InitTransactions(Clients.Patience);
        producer.BeginTransaction();
        var offset = new TopicPartitionOffset(source, 0, 1);
        var refused = Assert.ThrowsAny<KafkaException>(() =>
            producer.SendOffsetsToTransaction([offset], old, Clients.Patience)
        );
        Assert.Contains(refused.Error.Code, (ErrorCode[])[ErrorCode.UnknownMemberId, ErrorCode.IllegalGeneration]);
        producer.AbortTransaction(Clients.Patience);
    }

    private IProducer<string, string> Transactional(string id, int timeoutMs = 20_000) =>
        Clients.Producer(
            broker,
            c =>
            {
                c.TransactionalId = id;
                c.TransactionTimeoutMs = timeoutMs;
                c.MessageTimeoutMs = Math.Min(timeoutMs, 20_000);
            }
        );

    private List<string> Values(string topic, int count, IsolationLevel isolation) =>
        [.. Clients.ReadAll(broker, topic, count, isolation).Select(r => r.Message.Value)];
}
