using System.Collections.Concurrent;
using System.Net;
using Confluent.Kafka;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Messaging;

/// <summary>Members come and go while records are handled: cooperative rebalances under load.</summary>
public sealed class RebalanceTests(TestBroker broker) : IClassFixture<TestBroker>
{
    [Fact]
    public Task Members_come_and_go_under_load_and_nothing_is_lost_doubled_or_out_of_order() =>
        MembersComeAndGoAsync(broker.Bootstrap);

    [ApacheKafkaFact]
    public async Task Members_come_and_go_under_load_on_Apache_Kafka() =>
        await MembersComeAndGoAsync(await ApacheKafka.BootstrapAsync());

    [Fact]
    public async Task A_partition_changes_hands_only_when_its_record_is_done_while_the_kept_ones_go_on()
    {
        await using var rig = await MessagingRig.StartAsync(broker.Bootstrap, partitions: 2);
        await rig.PublishAsync(keys: 20, each: 1);
        var release = new TaskCompletionSource();
        var owners = new ConcurrentQueue<(string Member, int Partition, string Key)>();
        var inHand = new ConcurrentDictionary<int, bool>();
        Func<ConsumedMessage, CancellationToken, Task> Member(string name) =>
            async (message, cancellation) =>
            {
                inHand[message.Partition] = true;
                await release.Task.WaitAsync(cancellation);
                owners.Enqueue((name, message.Partition, message.Key));
            };

        var log = new Lines<EventConsumer>();
        await rig.StartConsumerAsync(
            Member("first"),
            options => options with { DrainTimeout = MessagingRig.Patience },
            log
        );
        await Eventually.HoldsAsync(() => inHand.Count == 2, "a record of each partition is in hand");
        var joining = rig.StartConsumerAsync(Member("second"));
        await Eventually.HoldsAsync(
            () => log.All.Any(line => line.Contains("gives up 1 partitions", StringComparison.Ordinal)),
            "the first begins to hand over"
        );
        // The second cannot get the partition while the first has not drained it.
        Assert.Empty(owners);
        release.SetResult();
        await joining;

        await Eventually.HoldsAsync(() => owners.Count >= 20, "all are handled");
        Assert.Equal(20, owners.Select(o => o.Key).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(20, owners.Count);
        // Each partition was begun by the first member, which kept one of the two to the end.
        var byPartition = owners
            .GroupBy(o => o.Partition)
            .ToDictionary(g => g.Key, g => g.Select(o => o.Member).ToList());
        Assert.All(byPartition.Values, members => Assert.Equal("first", members[0]));
        Assert.Contains(byPartition.Values, members => members.All(member => member == "first"));
        Assert.Contains(byPartition.Values, members => members.Contains("second"));
    }

    [Fact]
    public async Task A_member_whose_handlers_are_stuck_hands_over_after_the_drain_and_its_records_come_again()
    {
        await using var rig = await MessagingRig.StartAsync(broker.Bootstrap, partitions: 2);
        await rig.PublishAsync(keys: 20, each: 5);
        var cancelled = 0;
        await rig.StartConsumerAsync(
            async (_, cancellation) =>
            {
                try
                {
                    await Task.Delay(Timeout.Infinite, cancellation);
                }
                finally
                {
                    Interlocked.Increment(ref cancelled);
                }
            },
            options => options with { DrainTimeout = TimeSpan.FromMilliseconds(100) }
        );
        var handled = new Handled();
        var seen = new ConcurrentDictionary<int, bool>();
        await rig.StartConsumerAsync(
            (message, _) =>
            {
                seen[message.Partition] = true;
                handled.Add(message);
                return Task.CompletedTask;
            }
        );
        await Eventually.HoldsAsync(
            () => seen.Count == 1 && rig.Committed(seen.Keys.Single()) > 0,
            "one is handed over"
        );
        await Eventually.HoldsAsync(() => Volatile.Read(ref cancelled) == 1, "only its handler was cancelled");
        Assert.Equal(0, handled.Repeats);
    }

    /// <summary>
    /// The broker is at the next generation before the member that leaves hears of it, because its answers come late:
    /// its last commit is refused, and is to be made again in that generation.
    /// </summary>
    [Fact]
    public async Task A_member_that_leaves_amid_a_rebalance_leaves_nothing_to_be_handled_twice()
    {
        const int Keys = 40,
            Each = 140;
        var address = IPAddress.Parse("127.0.0.2");
        await using var far = await TestBroker.StartAsync(options => options with { AdvertisedHost = $"{address}" });
        await using var network = new TcpProxy(far.Port, new IPEndPoint(address, far.Port));
        await using var rig = await MessagingRig.StartAsync($"{address}:{far.Port}", partitions: 6);
        await rig.PublishAsync(Keys, Each);
        var (handled, log) = (new Handled(), new Lines<EventConsumer>());
        async Task HandleAsync(ConsumedMessage message, CancellationToken cancellation)
        {
            await Task.Delay(5, cancellation);
            handled.Add(message);
        }

        var leaving = await rig.StartConsumerAsync(
            HandleAsync,
            options => options with { CommitInterval = MessagingRig.Patience },
            log
        );
        await Eventually.HoldsAsync(() => handled.Count > 100, "the first works");
        network.AnswerLate(TimeSpan.FromMilliseconds(700));
        await rig.Consumer(HandleAsync).StartAsync(CancellationToken.None);
        using var admin = new AdminClientBuilder(rig.Kafka.ClientConfig("look")).Build();
        await Eventually.HoldsAsync(
            async () =>
                (await admin.DescribeConsumerGroupsAsync([rig.Group])).ConsumerGroupDescriptions.Single().State
                == ConsumerGroupState.CompletingRebalance,
            "the broker waits for the first to assign"
        );
        var before = handled.Count;
        await leaving.StopAsync(CancellationToken.None);
        Assert.InRange(before, 100, (Keys * Each) - 1);
        Assert.Contains(log.All, line => line.Contains("generation", StringComparison.Ordinal));

        await Eventually.HoldsAsync(() => handled.Distinct == Keys * Each, "all are handled");
        handled.AssertCompleteAndInOrder(Keys, Each);
        Assert.True(handled.Repeats == 0, $"{handled.Repeats} repeats:\n{string.Join('\n', log.All)}");
    }

    private static async Task MembersComeAndGoAsync(string bootstrap)
    {
        const int Keys = 40,
            Each = 60,
            EachMax = 6000,
            Round = 10;
        await using var rig = await MessagingRig.StartAsync(bootstrap, partitions: 6);
        var handled = new Handled();
        var random = new Random(4);
        var at = new ConcurrentDictionary<string, bool>();
        Func<ConsumedMessage, CancellationToken, Task> Member(string name) =>
            async (message, cancellation) =>
            {
                at[name] = true;
                int pause;
                lock (random)
                    pause = random.Next(8);
                await Task.Delay(pause, cancellation);
                handled.Add(message);
            };
        ConsumerOptions Configure(ConsumerOptions options) => options with { ConcurrencyMax = 12, QueueDepthMax = 32 };

        var log = new Lines<EventConsumer>();
        var first = await rig.StartConsumerAsync(Member("first"), Configure, log);
        // There is work until the last member has had some, and never more than a few rounds of it wait.
        async Task<int> PublishAsync()
        {
            var number = 0;
            for (; number < Each || (number < EachMax && !at.ContainsKey("third")); number += Round)
            {
                await rig.PublishAsync(Keys, Round, number);
                await Eventually.HoldsAsync(() => (Keys * number) - handled.Count < 3 * Keys * Round, "they keep up");
            }

            return number;
        }

        var publishing = PublishAsync();
        await Eventually.HoldsAsync(() => handled.Count > 100, "the first works");
        var second = await rig.StartConsumerAsync(Member("second"), Configure, log);
        await Eventually.HoldsAsync(() => handled.Count > 600 && at.ContainsKey("second"), "both work");
        await first.StopAsync(CancellationToken.None);
        await rig.StartConsumerAsync(Member("third"), Configure, log);
        await Eventually.HoldsAsync(() => handled.Count > 1_200 && at.ContainsKey("third"), "second and third work");
        await second.StopAsync(CancellationToken.None);
        var each = await publishing;
        await Eventually.HoldsAsync(() => handled.Count >= Keys * each, "all are handled");
        await Eventually.HoldsAsync(
            () => Enumerable.Range(0, 6).Sum(rig.Committed) == Keys * each,
            "everything is committed"
        );
        handled.AssertCompleteAndInOrder(Keys, each);
        Assert.True(handled.Repeats == 0, $"{handled.Repeats} repeats:\n{string.Join('\n', log.All)}");
    }
}
