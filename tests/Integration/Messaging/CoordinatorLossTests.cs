using Confluent.Kafka;
using Confluent.Kafka.Admin;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Messaging;

/// <summary>
/// A cluster of three brokers loses the one that coordinates a consumer group: transactions that carry the group's
/// offsets go on, though the client has the lost broker as the coordinator that it knows.
/// </summary>
public sealed class CoordinatorLossTests(KafkaCluster cluster) : IClassFixture<KafkaCluster>
{
    private const string Topic = "coordinator-loss";
    private const string Group = "coordinator-loss";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly KafkaOptions kafka = new() { Bootstrap = cluster.Bootstrap };

    [ApacheKafkaFact]
    public async Task Transactions_with_a_groups_offsets_go_on_after_the_groups_coordinator_is_lost()
    {
        using var admin = Quiet(new AdminClientConfig(kafka.ClientConfig("loss")));
        await admin.CreateTopicsAsync([new TopicSpecification { Name = Topic, NumPartitions = 6 }]);
        // Disposed of at the end and not in a failure: that would wait for the call that never returns.
        var producer = new ProducerBuilder<byte[], byte[]>(
            // Not aborted while the cluster elects leaders: the lost broker may coordinate the transaction too.
            kafka.TransactionalConfig("loss", Group, Patience)
        ).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        using var member = new ConsumerBuilder<byte[], byte[]>(kafka.ConsumerConfig("loss", Group))
            .SetLogHandler((_, _) => { })
            .SetErrorHandler((_, _) => { })
            .Build();
        member.Subscribe(Topic);
        await Wait.UntilAsync(
            "the group has its member",
            () => member.Consume(100) is null && member.Assignment.Count > 0
        );
        producer.InitTransactions(Patience);
        Commit(producer, member, partition: 0);

        var lost = (await admin.DescribeConsumerGroupsAsync([Group])).ConsumerGroupDescriptions.Single().Coordinator.Id;
        await cluster.KillAsync(lost);
        // Asked through the producer's own client, which drops a broker that the answer no longer names.
        using var own = new DependentAdminClientBuilder(producer.Handle).Build();
        await Wait.UntilAsync(
            "the client counts two brokers",
            () => own.GetMetadata(Patience).Brokers.Count == 2,
            Patience
        );
        var kept = admin
            .GetMetadata(Topic, Patience)
            .Topics.Single()
            .Partitions.First(partition => partition.Leader >= 0 && partition.Leader != lost);
        await Task.Run(() => Commit(producer, member, kept.PartitionId)).WaitAsync(Patience);
        producer.Dispose();
    }

    private static void Commit(IProducer<byte[], byte[]> producer, IConsumer<byte[], byte[]> member, int partition)
    {
        producer.BeginTransaction();
        producer.Produce(new TopicPartition(Topic, partition), new Message<byte[], byte[]> { Value = [1] });
        producer.Flush(Patience);
        producer.SendOffsetsToTransaction(
            [new TopicPartitionOffset(Topic, partition, 1)],
            member.ConsumerGroupMetadata,
            Patience
        );
        producer.CommitTransaction(Patience);
    }

    private static IAdminClient Quiet(AdminClientConfig config) =>
        new AdminClientBuilder(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
}
