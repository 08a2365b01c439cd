using EventStream.Tests.Kit;
using Xunit.Abstractions;

namespace EventStream.Tests.Integration.Streams.Faults;

/// <summary>
/// Single faults at chosen moments: after a kill the committed offsets are not older than the state, a restart finds
/// its state, windows close without input, and the comparison itself finds what a stream without transactions doubles.
/// </summary>
[Trait("Category", "Fault")]
public sealed class StreamRestartTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Kills = 4;
    private TestBroker broker = null!;

    public async Task InitializeAsync() => broker = await TestBroker.StartAsync();

    public async Task DisposeAsync() => await broker.DisposeAsync();

    /// <summary>
    /// At full speed a commit is always under way when the process dies. A successor that asks for the committed
    /// offsets before it has ended its predecessor's transaction computes records twice, or waits.
    /// </summary>
    [Fact]
    public Task Offsets_are_those_of_the_state_after_each_kill_at_full_speed() => KilledOftenAsync(broker.Bootstrap);

    [ApacheKafkaFact]
    public async Task Offsets_are_those_of_the_state_after_each_kill_at_full_speed_on_Apache_Kafka() =>
        await KilledOftenAsync(await ApacheKafka.BootstrapAsync());

    /// <summary>Commits are rare here, so that a kill nearly always costs results that are not committed.</summary>
    [Fact]
    public async Task Without_transactions_the_comparison_finds_doubles()
    {
        var run = FaultRun.Of(TimeSpan.Zero);
        var count = await CountRun.CreateAsync(
            broker.Bootstrap, run.Seed,
            settings => settings with { ExactlyOnce = false, CommitMs = 1_500, Pace = 20_000 });
        await using var feed = count.Feed(60_000);
        await using var stream = count.Faults(feed, "one");
        await stream.StartAsync();
        await stream.KillAsync(Kills);
        var differences = count.Differences(await count.SettleAsync(feed));
        output.WriteLine($"{differences.Count} differences, the first: {string.Join(", ", differences.Take(1))}");
        Assert.Contains(differences, difference => difference.StartsWith("2 times", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Open_windows_of_a_killed_instance_are_restored_and_closed_without_input()
    {
        var run = FaultRun.Of(TimeSpan.Zero);
        var count = await CountRun.CreateAsync(
            broker.Bootstrap, run.Seed,
            settings => settings with { WindowMs = 5_000, GraceMs = 1_000, IdleAdvanceMs = 500 });
        await using var feed = count.Feed(2_000);
        await using (var first = count.Launch("one"))
        {
            await feed.EndAsync([]);
            await Wait.UntilAsync(
                "everything is committed", () => feed.LookAtGroup() == count.Input.Written.Sum());
            await first.KillAsync();
        }

        var all = count.Input.Closed.Concat(count.Input.Open).ToList();
        Assert.True(count.Read().Windows.Count < all.Count, "The first instance closed every window itself.");
        await using var second = count.Launch("one");
        await Wait.UntilAsync("every window is closed", () => count.Read().Windows.Count >= all.Count);
        Assert.Equal(
            all.OrderBy(window => (window.Key, window.StartMs)),
            count.Read().Windows.OrderBy(window => (window.Key, window.StartMs)));
        await second.LeaveAsync();
    }

    private async Task KilledOftenAsync(string bootstrap)
    {
        var run = FaultRun.Of(TimeSpan.FromSeconds(1));
        var count = await CountRun.CreateAsync(bootstrap, run.Seed);
        await using var feed = count.Feed(400_000);
        await using var stream = count.Faults(feed, "one");
        await stream.StartAsync();
        await stream.KillAsync(Kills);
        CountRun.AssertNone(count.Differences(await count.SettleAsync(feed)));
        Assert.True(feed.LeftMin > 20_000, $"Only {feed.LeftMin} records were left at a kill.");
        output.WriteLine($"At least {feed.LeftMin} records left at each kill, at most "
            + $"{stream.StallMax.TotalSeconds:0.0} s until the next commit.");
        await stream.StopAsync();
    }
}
