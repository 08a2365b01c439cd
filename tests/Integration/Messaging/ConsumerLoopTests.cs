using System.Collections.Concurrent;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Messaging;

/// <summary>The consumer loop with one member: order, concurrency, pauses, commits, lag, and its end.</summary>
public sealed class ConsumerLoopTests(TestBroker broker) : IClassFixture<TestBroker>
{
    [Fact]
    public async Task A_partition_is_handled_in_its_order_and_partitions_beside_each_other()
    {
        await using var rig = await MessagingRig.StartAsync(broker.Bootstrap, partitions: 4);
        await rig.PublishAsync(keys: 16, each: 20);
        var offsets = new ConcurrentDictionary<int, long>();
        var inHand = new ConcurrentDictionary<int, int>();
        var (disorder, atOnce, together, count) = (0, 0, 0, 0);
        await rig.StartConsumerAsync(
            async (message, cancellation) =>
            {
                if (inHand.AddOrUpdate(message.Partition, 1, (_, n) => n + 1) > 1)
                    Interlocked.Increment(ref disorder);
                var now = Interlocked.Increment(ref atOnce);
                if (now > 1)
                    Interlocked.Exchange(ref together, 1);
                if (message.Offset != offsets.GetValueOrDefault(message.Partition))
                    Interlocked.Increment(ref disorder);
                await Task.Delay(2, cancellation);
                offsets[message.Partition] = message.Offset + 1;
                inHand.AddOrUpdate(message.Partition, 0, (_, n) => n - 1);
                Interlocked.Decrement(ref atOnce);
                Interlocked.Increment(ref count);
            }
        );
        await Eventually.HoldsAsync(() => Volatile.Read(ref count) == 320, "all are handled");
        Assert.Equal((0, 1), (disorder, together));
    }

    [Fact]
    public async Task A_partition_whose_handler_is_stuck_is_paused_at_the_bound_and_the_others_go_on()
    {
        await using var rig = await MessagingRig.StartAsync(broker.Bootstrap, partitions: 2);
        await rig.PublishAsync(keys: 40, each: 50);
        var release = new TaskCompletionSource();
        var handled = new Handled();
        int? stuck = null;
        var consumer = await rig.StartConsumerAsync(
            async (message, cancellation) =>
            {
                if (message.Partition == (stuck ??= message.Partition))
                    await release.Task.WaitAsync(cancellation);
                handled.Add(message);
            },
            options => options with { QueueDepthMax = 10, ConcurrencyMax = 2 }
        );
        int Behind() => (int)consumer.Lags.Where(lag => lag.Partition == stuck).Sum(lag => lag.Records);
        await Eventually.HoldsAsync(
            () => handled.Count > 0 && handled.Count + Behind() == 2_000,
            "the other partition is worked off"
        );

        release.SetResult();
        await Eventually.HoldsAsync(() => handled.Count == 2_000, "the stuck partition is worked off, too");
        await Eventually.HoldsAsync(
            () => consumer.Lags.Count == 2 && consumer.Lags.All(lag => lag.Records == 0),
            "the lag is gone"
        );
        handled.AssertCompleteAndInOrder(40, 50);
        Assert.Equal(0, handled.Repeats);
    }

    [Fact]
    public async Task A_role_that_stops_finishes_what_is_in_hand_commits_it_and_leaves_the_group()
    {
        await using var rig = await MessagingRig.StartAsync(broker.Bootstrap);
        await rig.PublishAsync("k", Enumerable.Range(0, 20).ToArray());
        var handled = new Handled();
        var (begun, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        var first = await rig.StartConsumerAsync(
            async (message, cancellation) =>
            {
                if (((LoadMeasured)message.Message).Value == 5)
                {
                    begun.TrySetResult();
                    await release.Task.WaitAsync(cancellation);
                }

                handled.Add(message);
            }
        );
        await begun.Task.WaitAsync(MessagingRig.Patience);
        var stopping = first.StopAsync(CancellationToken.None);
        release.SetResult();
        await stopping;
        Assert.InRange(handled.Count, 6, 20);
        Assert.Equal(handled.Count, rig.Committed());

        // The session lasts ten seconds: only because the first left does the second get the partition at once.
        await rig.StartConsumerAsync(
            (message, _) =>
            {
                handled.Add(message);
                return Task.CompletedTask;
            }
        );
        await Eventually.HoldsAsync(() => handled.Count == 20, "the next member goes on");
        handled.AssertCompleteAndInOrder(1, 20);
        Assert.Equal(0, handled.Repeats);
    }

    [Fact]
    public async Task A_handler_that_outlasts_the_drain_is_cancelled_and_its_record_is_delivered_again()
    {
        await using var rig = await MessagingRig.StartAsync(broker.Bootstrap);
        await rig.PublishAsync("k", 0);
        var begun = new TaskCompletionSource();
        var first = await rig.StartConsumerAsync(
            async (_, cancellation) =>
            {
                begun.TrySetResult();
                await Task.Delay(Timeout.Infinite, cancellation);
            },
            options => options with { DrainTimeout = TimeSpan.FromMilliseconds(50) }
        );
        await begun.Task.WaitAsync(MessagingRig.Patience);
        await first.StopAsync(CancellationToken.None);
        Assert.Equal(-1001, rig.Committed());

        var handled = new Handled();
        await rig.StartConsumerAsync(
            (message, _) =>
            {
                handled.Add(message);
                return Task.CompletedTask;
            }
        );
        await Eventually.HoldsAsync(() => handled.Count == 1, "the record is delivered again");
    }

    [Fact]
    public async Task A_role_stops_promptly_although_the_broker_is_away_and_its_handler_hears_nothing()
    {
        await using var own = await TestBroker.StartAsync();
        await using var rig = await MessagingRig.StartAsync(own.Bootstrap);
        await rig.PublishAsync("k", 0, 1);
        var release = new TaskCompletionSource();
        var begun = new TaskCompletionSource();
        var log = new Lines<EventConsumer>();
        var consumer = await rig.StartConsumerAsync(
            async (message, _) =>
            {
                if (((LoadMeasured)message.Message).Value == 0)
                    return;
                begun.TrySetResult();
                await release.Task;
            },
            options => options with { DrainTimeout = TimeSpan.FromMilliseconds(50) },
            log
        );
        await begun.Task.WaitAsync(MessagingRig.Patience);
        await own.Running.AbortAsync();
        await consumer.StopAsync(CancellationToken.None).WaitAsync(MessagingRig.Patience);
        Assert.Contains(
            log.All,
            line =>
                line.StartsWith("Error", StringComparison.Ordinal)
                && line.Contains("does not end although it was cancelled", StringComparison.Ordinal)
        );
        Assert.Equal("the consumer has stopped", consumer.Trouble);
        release.SetResult();
    }

    [Fact]
    public async Task When_the_broker_is_killed_under_load_and_comes_back_nothing_is_lost_and_keys_keep_their_order()
    {
        await using var own = await TestBroker.StartAsync();
        await using var rig = await MessagingRig.StartAsync(own.Bootstrap, partitions: 3);
        var handled = new Handled();
        await rig.StartConsumerAsync(
            async (message, cancellation) =>
            {
                await Task.Delay(1, cancellation);
                handled.Add(message);
            }
        );
        var publishing = rig.PublishAsync(keys: 20, each: 100);
        foreach (var seen in (int[])[200, 1_000])
        {
            await Eventually.HoldsAsync(() => handled.Count >= seen, "records are handled");
            await own.RestartAsync(abruptly: true);
        }

        await publishing.WaitAsync(MessagingRig.Patience);
        await Eventually.HoldsAsync(() => handled.Distinct == 2_000, "all are handled");
        handled.AssertCompleteAndInOrder(20, 100);
    }

    [Fact]
    public async Task A_read_model_is_caught_up_when_what_was_there_is_processed_over_partitions_that_were_added()
    {
        await using var rig = await MessagingRig.StartAsync(broker.Bootstrap, partitions: 2);
        using (
            var admin = new Confluent.Kafka.AdminClientBuilder(
                new Confluent.Kafka.AdminClientConfig(rig.Kafka.ClientConfig("admin"))
            ).Build()
        )
            await admin.CreatePartitionsAsync([new() { Topic = rig.Topic.Name, IncreaseTo = 5 }]);
        await rig.PublishAsync(keys: 30, each: 3);
        var handled = new Handled();
        var consumer = await rig.StartConsumerAsync(
            (message, _) =>
            {
                handled.Add(message);
                return Task.CompletedTask;
            },
            options => options with { FromBeginning = true }
        );
        await consumer.CaughtUp.WaitAsync(MessagingRig.Patience);
        Assert.Equal(90, handled.Count);
        Assert.Equal(-1001, rig.Committed());
    }
}
