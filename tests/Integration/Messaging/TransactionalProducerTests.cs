using Confluent.Kafka;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Integration.Tests.Messaging;

/// <summary>Records and offsets together or not at all, and each way in which a step can fail.</summary>
public sealed class TransactionalProducerTests(TestBroker broker) : IClassFixture<TestBroker>
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly DateTimeOffset Now = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public Task Records_and_offsets_are_visible_after_the_commit_and_never_after_an_abort() =>
        TogetherOrNotAtAllAsync(broker.Bootstrap);

    [ApacheKafkaFact]
    public async Task Records_and_offsets_are_committed_together_on_Apache_Kafka() =>
        await TogetherOrNotAtAllAsync(await ApacheKafka.BootstrapAsync());

    [Fact]
    public async Task A_producer_whose_id_another_one_took_is_told_that_it_is_fenced()
    {
        await using var rig = await MessagingRig.StartAsync(broker.Bootstrap);
        var id = $"tx-{Guid.NewGuid():N}";
        using var first = Producer(rig, id);
        await first.InitAsync(None);
        first.Begin();
        await first.SendAsync(rig.Topic, "k", MessagingRig.Numbered("k", 0), Now, None);
        using var second = Producer(rig, id);
        await second.InitAsync(None);

        var fenced = await Assert.ThrowsAsync<ProducerFencedException>(() => first.CommitAsync(None));
        Assert.Equal(id, fenced.TransactionalId);
        Assert.Contains("give each an id of its own", fenced.Message);
        second.Begin();
        await second.SendAsync(rig.Topic, "k", MessagingRig.Numbered("k", 1), Now, None);
        await second.CommitAsync(None);
        Assert.Equal([1], (await rig.MessagesAsync(1)).Select(m => (int)m.Value));
    }

    [Fact]
    public async Task A_record_that_was_refused_makes_the_transaction_abortable_and_the_next_one_succeeds()
    {
        await using var rig = await MessagingRig.StartAsync(broker.Bootstrap);
        using var producer = Producer(rig, $"tx-{Guid.NewGuid():N}");
        await producer.InitAsync(None);
        producer.Begin();
        await producer.SendAsync(rig.Topic, "k", MessagingRig.Numbered("k", 0), Now, None);
        // The client refuses it at once where it knows the topic already, and by the commit where it does not.
        await Assert.ThrowsAsync<TransactionAbortableException>(async () =>
        {
            await producer.SendAsync(
                new TopicPartition(rig.Topic.Name, 77),
                new Message<byte[], byte[]> { Value = [1] },
                None
            );
            await producer.CommitAsync(None);
        });
        await producer.AbortAsync(None);

        producer.Begin();
        await producer.SendAsync(rig.Topic, "k", MessagingRig.Numbered("k", 1), Now, None);
        await producer.CommitAsync(None);
        Assert.Equal([1], (await rig.MessagesAsync(1)).Select(m => (int)m.Value));
    }

    [Fact]
    public async Task A_broker_that_does_not_answer_ends_a_step_in_time_with_a_clear_error()
    {
        await using var rig = await MessagingRig.StartAsync(broker.Bootstrap);
        using var producer = new TransactionalProducer(
            rig.Kafka with
            {
                Bootstrap = $"127.0.0.1:{PostgresFixture.FreePort()}",
            },
            new TransactionOptions("tx-away") { StepTimeout = TimeSpan.FromMilliseconds(200), RetriesMax = 2 },
            "/test",
            NullLogger<TransactionalProducer>.Instance
        );
        var error = await Assert.ThrowsAnyAsync<TransactionException>(() =>
            producer.InitAsync(None).WaitAsync(MessagingRig.Patience)
        );
        Assert.IsType<TransactionFatalException>(error);
        Assert.Contains("tx-away", error.Message);
    }

    private static async Task TogetherOrNotAtAllAsync(string bootstrap)
    {
        await using var rig = await MessagingRig.StartAsync(bootstrap);
        await rig.PublishAsync("in", 0, 1, 2);
        await using var output = await MessagingRig.StartAsync(bootstrap);
        using var consumer = new ConsumerBuilder<byte[], byte[]>(rig.Kafka.ConsumerConfig("tx", rig.Group)).Build();
        consumer.Subscribe(rig.Topic.Name);
        for (var i = 0; i < 3; i++)
            Assert.NotNull(consumer.Consume(MessagingRig.Patience));
        using var producer = Producer(rig, $"tx-{Guid.NewGuid():N}");
        await producer.InitAsync(None);

        async Task TransactAsync(int number, long offset)
        {
            producer.Begin();
            await producer.SendAsync(output.Topic, "out", MessagingRig.Numbered("out", number), Now, None);
            await producer.SendOffsetsAsync(
                [new TopicPartitionOffset(rig.Topic.Name, 0, offset)],
                consumer.ConsumerGroupMetadata,
                None
            );
        }

        await TransactAsync(1, 2);
        await producer.AbortAsync(None);
        Assert.Equal(-1001, rig.Committed());
        await TransactAsync(2, 3);
        await producer.CommitAsync(None);
        Assert.Equal(3, rig.Committed());
        Assert.Equal([2], (await output.MessagesAsync(1)).Select(m => (int)m.Value));
        consumer.Close();
    }

    private static TransactionalProducer Producer(MessagingRig rig, string id) =>
        new(rig.Kafka, new TransactionOptions(id), "/test", NullLogger<TransactionalProducer>.Instance);
}
