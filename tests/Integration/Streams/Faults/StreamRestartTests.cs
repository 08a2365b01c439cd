using Confluent.Kafka;
using EventStream.Tests.Kit;
using Xunit.Abstractions;

namespace EventStream.Integration.Tests.Streams.Faults;

/// <summary>
/// Single faults at chosen moments: after a kill the committed offsets are not older than the state, a restart finds
/// its state, windows close without input, and the comparison itself finds what a stream without transactions doubles.
/// </summary>
[Trait("Category", "Fault")]
public sealed class StreamRestartTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int DoublingKills = 4;
    private static readonly (int Kills, int Records) Often = FaultRun.IsSoak ? (4, 400_000) : (2, 200_000);
    private TestBroker broker = null!;

    public async Task InitializeAsync() => broker = await TestBroker.StartAsync();

    public async Task DisposeAsync() => await broker.DisposeAsync();

    /// <summary>
    /// At full speed and with commits back to back, one is nearly always under way when the process dies.
    /// </summary>
    [Fact]
    public Task Offsets_are_those_of_the_state_after_each_kill_at_full_speed() => KilledOftenAsync(broker.Bootstrap);

    [ApacheKafkaFact]
    public async Task Offsets_are_those_of_the_state_after_each_kill_at_full_speed_on_Apache_Kafka() =>
        await KilledOftenAsync(await ApacheKafka.BootstrapAsync());

    [Fact]
    public Task A_successor_ends_the_transaction_that_a_dead_instance_left_open() => LeftOpenAsync(broker.Bootstrap);

    [ApacheKafkaFact]
    public async Task A_successor_ends_the_transaction_that_a_dead_instance_left_open_on_Apache_Kafka() =>
        await LeftOpenAsync(await ApacheKafka.BootstrapAsync());

    /// <summary>Commits are rare here, so that a kill nearly always costs results that are not committed.</summary>
    [Fact]
    public async Task Without_transactions_the_comparison_finds_doubles()
    {
        var run = FaultRun.Of(TimeSpan.Zero);
        var count = await CountRun.CreateAsync(
            broker.Bootstrap,
            run.Seed,
            settings => settings with { ExactlyOnce = false, CommitMs = 1_500, Pace = 20_000 }
        );
        await using var feed = count.Feed(60_000);
        await using var stream = count.Faults(feed, "one");
        await stream.StartAsync();
        await stream.KillAsync(DoublingKills);
        var differences = count.Differences(await count.SettleAsync(feed));
        output.WriteLine($"{differences.Count} differences, the first: {string.Join(", ", differences.Take(1))}");
        Assert.Contains(differences, difference => difference.StartsWith("2 times", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Open_windows_of_a_killed_instance_are_restored_and_closed_without_input()
    {
        var run = FaultRun.Of(TimeSpan.Zero);
        var count = await CountRun.CreateAsync(
            broker.Bootstrap,
            run.Seed,
            settings => settings with { WindowMs = 5_000, GraceMs = 1_000, IdleAdvanceMs = 500 }
        );
        await using var feed = count.Feed(2_000);
        await using (var first = count.Launch("one"))
        {
            await feed.EndAsync([]);
            await Wait.UntilAsync("everything is committed", () => feed.LookAtGroup() == count.Input.Written.Sum());
            await first.KillAsync();
        }

        var all = count.Input.Closed.Concat(count.Input.Open).ToList();
        Assert.True(count.Read().Windows.Count < all.Count, "The first instance closed every window itself.");
        await using var second = count.Launch("one");
        await Wait.UntilAsync("every window is closed", () => count.Read().Windows.Count >= all.Count);
        Assert.Equal(
            all.OrderBy(window => (window.Key, window.StartMs)),
            count.Read().Windows.OrderBy(window => (window.Key, window.StartMs))
        );
        await second.LeaveAsync();
    }

    /// <summary>
    /// A process that dies between its offsets and its commit leaves them pending. Until somebody ends the transaction,
    /// nobody gets an answer about committed offsets: a successor that asks before it has taken its predecessor's place
    /// would wait for minutes here.
    /// </summary>
    private async Task LeftOpenAsync(string bootstrap)
    {
        var run = FaultRun.Of(TimeSpan.Zero);
        var count = await CountRun.CreateAsync(bootstrap, run.Seed, settings => settings with { Pace = 8_000 });
        await using var feed = count.Feed(40_000);
        await using (var first = count.Launch("one"))
        {
            await Wait.UntilAsync("the first instance commits", () => feed.Committed > 0);
            await first.KillAsync();
        }

        using var dead = Predecessor(bootstrap, count.Settings, "one", feed);
        await using var stream = count.Faults(feed, "one");
        await stream.StartAsync();
        CountRun.AssertNone(count.Differences(await count.SettleAsync(feed)));
        Assert.ThrowsAny<KafkaException>(() => dead.CommitTransaction(TimeSpan.FromSeconds(30)));
        await stream.StopAsync();
    }

    /// <summary>What a killed instance leaves: a result and offsets in a transaction that is not ended.</summary>
    private static IProducer<byte[], byte[]> Predecessor(
        string bootstrap,
        CountSettings settings,
        string instance,
        StreamFeed feed
    )
    {
        var timeout = TimeSpan.FromSeconds(30);
        var producer = new ProducerBuilder<byte[], byte[]>(
            new ProducerConfig
            {
                BootstrapServers = bootstrap,
                TransactionalId = $"{settings.Application}-{instance}-0",
                TransactionTimeoutMs = 300_000,
            }
        ).SetLogHandler((_, _) => { }).Build();
        using var member = CommittedRecords.Reader(bootstrap, settings.Application, IsolationLevel.ReadUncommitted);
        producer.InitTransactions(timeout);
        producer.BeginTransaction();
        producer.Produce(settings.Output, new Message<byte[], byte[]> { Key = "p0-k0"u8.ToArray(), Value = [0] });
        producer.SendOffsetsToTransaction(
            Enumerable
                .Range(0, CountInput.Partitions)
                .Select(partition => new TopicPartitionOffset(settings.Input, partition, feed.Committed)),
            member.ConsumerGroupMetadata,
            timeout
        );
        return producer;
    }

    private async Task KilledOftenAsync(string bootstrap)
    {
        var run = FaultRun.Of(TimeSpan.FromSeconds(1));
        var count = await CountRun.CreateAsync(bootstrap, run.Seed, settings => settings with { CommitMs = 1 });
        await using var feed = count.Feed(Often.Records);
        await using var stream = count.Faults(feed, "one");
        await stream.StartAsync();
        await stream.KillAsync(Often.Kills);
        CountRun.AssertNone(count.Differences(await count.SettleAsync(feed)));
        Assert.True(feed.LeftMin > 20_000, $"Only {feed.LeftMin} records were left at a kill.");
        output.WriteLine(
            $"At least {feed.LeftMin} records left at each kill, at most "
                + $"{stream.StallMax.TotalSeconds:0.0} s until the next commit."
        );
        await stream.StopAsync();
    }
}
