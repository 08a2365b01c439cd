using Confluent.Kafka;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker.Differential;

/// <summary>Stock consumers that share partitions, come and go.</summary>
internal static class RebalanceScenarios
{
    public static async Task RebalanceAsync(World world, bool cooperative)
    {
        var topic = await world.TopicAsync("rebalance", 4);
        var (losses, group) = (0, world.Name("rebalance"));
        IConsumer<string?, string?> Member(bool counts)
        {
            var builder = new ConsumerBuilder<string?, string?>(
                new ConsumerConfig
                {
                    BootstrapServers = world.Bootstrap,
                    GroupId = group,
                    EnableAutoCommit = false,
                    HeartbeatIntervalMs = 100,
                    SessionTimeoutMs = 10_000,
                    PartitionAssignmentStrategy = cooperative
                        ? PartitionAssignmentStrategy.CooperativeSticky
                        : PartitionAssignmentStrategy.Range,
                }
            ).SetLogHandler((_, _) => { });
            builder.SetPartitionsRevokedHandler((_, lost) => losses += counts ? lost.Count : 0);
            var consumer = builder.SetValueDeserializer(new Ignored()).SetKeyDeserializer(new Ignored()).Build();
            consumer.Subscribe(topic);
            return consumer;
        }
        using var first = Member(counts: true);
        await SettleAsync([first], 4);
        world.Saw("alone", Shares(first));
        using (var second = Member(counts: false))
        {
            await SettleAsync([first, second], 2);
            world.Saw("with a second", $"{Shares(first)} and {Shares(second)}");
            world.Saw("partitions taken from the first", losses);
            second.Commit([new TopicPartitionOffset(second.Assignment[0], 3)]);
            second.Close();
        }
        await SettleAsync([first], 4);
        world.Saw("alone again", Shares(first));
        var committed = first.Committed(first.Assignment, Clients.Patience).Count(c => c.Offset == 3);
        world.Saw("what the second committed", committed);
        first.Close();
        world.Saw("described", await world.Wire.DescribeGroupAsync(group));
    }

    private static string Shares(IConsumer<string?, string?> consumer) => $"{consumer.Assignment.Count} partitions";

    private static async Task SettleAsync(IConsumer<string?, string?>[] members, int each) =>
        await Wait.UntilAsync(
            $"each member has {each} partitions",
            () =>
            {
                foreach (var member in members)
                {
                    member.Consume(TimeSpan.FromMilliseconds(50));
                }
                return Task.FromResult(members.All(member => member.Assignment.Count == each));
            }
        );

    private sealed class Ignored : IDeserializer<string?>
    {
        public string? Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context) => null;
    }
}
