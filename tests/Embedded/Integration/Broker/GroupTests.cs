using Confluent.Kafka;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker;

/// <summary>
/// Consumer groups: who gets which partition, what happens when members come and go, and where they go on.
/// </summary>
[Trait("Category", "Integration")]
public sealed class GroupTests(TestBroker broker) : IClassFixture<TestBroker>
{
    [Theory]
    [InlineData(PartitionAssignmentStrategy.Range)]
    [InlineData(PartitionAssignmentStrategy.RoundRobin)]
    [InlineData(PartitionAssignmentStrategy.CooperativeSticky)]
    public async Task Members_share_the_partitions_and_take_over_from_one_that_leaves(PartitionAssignmentStrategy how)
    {
        var topic = await Clients.CreateTopicAsync(broker, partitions: 4);
        using var first = Member(topic, how);
        await PollUntilAsync(() => first.Assignment.Count == 4, first);
        using (var second = Member(topic, how))
        {
            await PollUntilAsync(() => first.Assignment.Count == 2 && second.Assignment.Count == 2, first, second);
            Assert.Empty(first.Assignment.Intersect(second.Assignment));
            second.Close();
        }
        await PollUntilAsync(() => first.Assignment.Count == 4, first);
    }

    [Fact]
    public async Task A_member_that_falls_silent_loses_its_partitions_when_its_session_ends()
    {
        var topic = await Clients.CreateTopicAsync(broker, partitions: 2);
        using var first = Member(topic, PartitionAssignmentStrategy.Range);
        using var silent = Clients.Consumer(
            broker,
            $"g-{topic}",
            c =>
            {
                c.SessionTimeoutMs = 1500;
                c.MaxPollIntervalMs = 1500;
                c.HeartbeatIntervalMs = 300;
            }
        );
        silent.Subscribe(topic);
        await PollUntilAsync(() => first.Assignment.Count == 1 && silent.Assignment.Count == 1, first, silent);
        await PollUntilAsync(() => first.Assignment.Count == 2, first);
    }

    [Fact]
    public async Task A_group_goes_on_where_it_committed()
    {
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1);
        using (var producer = Clients.Producer(broker))
        {
            for (var i = 0; i < 10; i++)
            {
                await producer.ProduceAsync(topic, new Message<string, string> { Key = "k", Value = $"{i}" });
            }
        }
        using (var consumer = Clients.Consumer(broker, $"g-{topic}"))
        {
            consumer.Subscribe(topic);
            for (var i = 0; i < 4; i++)
            {
                Assert.Equal($"{i}", consumer.Consume(Clients.Patience).Message.Value);
            }
            consumer.Commit();
            consumer.Close();
        }
        using var next = Clients.Consumer(broker, $"g-{topic}");
        next.Subscribe(topic);
        Assert.Equal("4", next.Consume(Clients.Patience).Message.Value);
    }

    [Fact]
    public async Task A_static_member_that_returns_gets_its_partitions_without_a_rebalance_of_the_others()
    {
        var topic = await Clients.CreateTopicAsync(broker, partitions: 2);
        var (losses, instance) = (0, Guid.NewGuid().ToString("N"));
        using var leader = new ConsumerBuilder<string, string>(
            new ConsumerConfig
            {
                BootstrapServers = broker.Bootstrap,
                GroupId = $"g-{topic}",
                GroupInstanceId = "leader-" + instance,
                HeartbeatIntervalMs = 200,
            }
        ).SetPartitionsRevokedHandler((_, _) => Interlocked.Increment(ref losses)).Build();
        leader.Subscribe(topic);
        await PollUntilAsync(() => leader.Assignment.Count == 2, leader);
        var follower = StaticMember(topic, "follower-" + instance);
        await PollUntilAsync(() => leader.Assignment.Count == 1 && follower.Assignment.Count == 1, leader, follower);
        var held = follower.Assignment[0];
        var lossesBefore = losses;
        follower.Dispose();
        using var returned = StaticMember(topic, "follower-" + instance);
        await PollUntilAsync(() => returned.Assignment.Count == 1, returned, leader);
        Assert.Equal(held, returned.Assignment[0]);
        Assert.Equal(lossesBefore, losses);
    }

    [Fact]
    public async Task An_administrator_sees_the_members_and_deletes_the_group_when_they_are_gone()
    {
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1);
        using var admin = Clients.Admin(broker);
        using (var member = Member(topic, PartitionAssignmentStrategy.Range))
        {
            await PollUntilAsync(() => member.Assignment.Count == 1, member);
            member.Commit([new TopicPartitionOffset(topic, 0, 3)]);
            var listed = await admin.ListConsumerGroupsAsync();
            Assert.Contains(listed.Valid, g => g.GroupId == $"g-{topic}" && g.State == ConsumerGroupState.Stable);
            var described = await admin.DescribeConsumerGroupsAsync([$"g-{topic}"]);
            Assert.Single(described.ConsumerGroupDescriptions[0].Members);
            await Assert.ThrowsAsync<Confluent.Kafka.Admin.DeleteGroupsException>(() =>
                admin.DeleteGroupsAsync([$"g-{topic}"])
            );
            member.Close();
        }
        await admin.DeleteGroupsAsync([$"g-{topic}"]);
        var left = await admin.ListConsumerGroupsAsync();
        Assert.DoesNotContain(left.Valid, g => g.GroupId == $"g-{topic}");
    }

    private IConsumer<string, string> Member(string topic, PartitionAssignmentStrategy how)
    {
        var consumer = Clients.Consumer(broker, $"g-{topic}", c => c.PartitionAssignmentStrategy = how);
        consumer.Subscribe(topic);
        return consumer;
    }

    private IConsumer<string, string> StaticMember(string topic, string instance)
    {
        var consumer = Clients.Consumer(broker, $"g-{topic}", c => c.GroupInstanceId = instance);
        consumer.Subscribe(topic);
        return consumer;
    }

    private static async Task PollUntilAsync(Func<bool> holds, params IConsumer<string, string>[] consumers)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (!holds())
        {
            Assert.True(clock.Elapsed < Clients.Patience, "The group did not settle in time.");
            foreach (var consumer in consumers)
            {
                consumer.Consume(TimeSpan.FromMilliseconds(20));
            }
            await Task.Yield();
        }
    }
}
