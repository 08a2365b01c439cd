using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Integration.Tests.Encode;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Integration.Tests.Messaging;

/// <summary>How many machines a group is on, asked of a real broker.</summary>
public sealed class GroupHostsTests
{
    [Fact]
    public async Task Members_of_one_machine_count_once_and_a_group_without_any_is_empty()
    {
        await using var broker = await TestBroker.StartAsync();
        var kafka = new KafkaOptions { Bootstrap = broker.Bootstrap };
        await new TopicAdmin(kafka, NullLogger<TopicAdmin>.Instance).EnsureAsync(
            [Topics.EncodeCommands],
            CancellationToken.None
        );
        var clock = new HandClock();
        var hosts = new GroupHosts(kafka, "workers", clock, NullLogger<GroupHosts>.Instance);
        Assert.Equal(0, hosts.Count);
        using var one = Join(kafka);
        using var other = Join(kafka);
        await Until.TrueAsync(
            () =>
            {
                one.Consume(TimeSpan.FromMilliseconds(50));
                other.Consume(TimeSpan.FromMilliseconds(50));
                return one.Assignment.Count > 0 && other.Assignment.Count > 0;
            },
            "both members"
        );
        clock.Turn(GroupHosts.FreshFor);
        await Until.TrueAsync(() => hosts.Count == 1, "the one machine");
    }

    private static IConsumer<byte[], byte[]> Join(KafkaOptions kafka)
    {
        var consumer = new ConsumerBuilder<byte[], byte[]>(kafka.ConsumerConfig("test", "workers")).Build();
        consumer.Subscribe(Topics.EncodeCommands.Name);
        return consumer;
    }
}
