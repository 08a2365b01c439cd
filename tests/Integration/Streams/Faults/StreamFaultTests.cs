using EventStream.Tests.Kit;
using Xunit.Abstractions;

namespace EventStream.Integration.Tests.Streams.Faults;

/// <summary>
/// A windowed count whose processes are killed, leave, join, are rebalanced and fenced at moments drawn from a seed,
/// while much input is left: what it commits is what the reference computes, on the platform's broker and on Apache
/// Kafka.
/// </summary>
[Trait("Category", "Fault")]
public sealed class StreamFaultTests(ITestOutputHelper output)
{
    private const int Lead = 40_000;
    private const int Pace = 8_000;
    private static readonly string[] One = ["one"];
    private static readonly string[] Two = ["one", "two"];
    private static readonly TimeSpan Shortly = TimeSpan.FromSeconds(10);

    private static readonly StreamFault[] Rebalances =
    [
        StreamFault.Die,
        StreamFault.Leave,
        StreamFault.Join,
        StreamFault.KillAll,
    ];

    [Fact]
    public Task A_killed_instance_leaves_no_trace() => OnOwnAsync(One, StreamFault.Kill);

    [Fact]
    public Task Two_instances_with_one_transactional_id_write_nothing_twice() => OnOwnAsync(One, StreamFault.Fence);

    [Fact]
    public Task Instances_that_leave_die_and_join_hand_their_windows_over() => OnOwnAsync(Two, Rebalances);

    [ApacheKafkaFact]
    public Task A_killed_instance_leaves_no_trace_on_Apache_Kafka() => OnApacheAsync(One, StreamFault.Kill);

    [ApacheKafkaFact]
    public Task Two_instances_with_one_transactional_id_write_nothing_twice_on_Apache_Kafka() =>
        OnApacheAsync(One, StreamFault.Fence);

    [ApacheKafkaFact]
    public Task Instances_that_leave_die_and_join_hand_their_windows_over_on_Apache_Kafka() =>
        OnApacheAsync(Two, Rebalances);

    private async Task OnOwnAsync(string[] names, params StreamFault[] faults)
    {
        await using var broker = await TestBroker.StartAsync();
        await HoldsAsync(broker.Bootstrap, names, faults);
    }

    private async Task OnApacheAsync(string[] names, params StreamFault[] faults) =>
        await HoldsAsync(await ApacheKafka.BootstrapAsync(), names, faults);

    private async Task HoldsAsync(string bootstrap, string[] names, StreamFault[] faults)
    {
        var run = FaultRun.Of(Shortly);
        var count = await CountRun.CreateAsync(bootstrap, run.Seed, settings => settings with { Pace = Pace });
        await using var feed = count.Feed(Lead);
        await using var stream = count.Faults(feed, names);
        try
        {
            await stream.StartAsync();
            await stream.SufferAsync(run.Duration, faults);
            var result = await count.SettleAsync(feed);
            CountRun.AssertNone(count.Differences(result));
            Assert.NotEmpty(result.Windows);
            Assert.NotEmpty(result.DeadLetters);
            Assert.True(count.Input.Late > 0);
            Assert.True(feed.LeftMin > Lead / 4, $"Only {feed.LeftMin} records were left at a fault.");
            output.WriteLine(
                $"{run.Name}: {Tell(stream)}; {result.Windows.Count} windows, "
                    + $"{result.DeadLetters.Count} dead letters, {count.Input.Late} late, at least "
                    + $"{feed.LeftMin} records "
                    + $"left at each fault, at most {stream.StallMax.TotalSeconds:0.0} s until the next commit."
            );
            await stream.StopAsync();
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(
                $"{run.Name}: {Tell(stream)}: {e.Message}\nThe instances wrote:\n{stream.Output}",
                e
            );
        }
    }

    private static string Tell(StreamFaults stream) =>
        string.Join(", ", stream.Happened.Select(fault => $"{fault.Key} {fault.Value} times"));
}
