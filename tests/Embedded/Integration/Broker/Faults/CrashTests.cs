using EventStream.Tests.Kit;
using Xunit.Abstractions;

namespace EventStream.Embedded.Tests.Integration.Broker.Faults;

/// <summary>
/// kill -9 at random moments under load: nothing acknowledged is lost or moved, idempotent producers double nothing,
/// transactions are all or nothing, a chain passes on each record exactly once, and no group commits what it has not
/// processed.
/// </summary>
[Trait("Category", "Fault")]
public sealed class CrashTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Shortly = TimeSpan.FromSeconds(12);

    [Fact]
    public Task Killed_brokers_producers_and_consumers_lose_and_double_nothing() =>
        HoldsAsync(new Faults(KillBroker: true, KillClients: true, Tear: false, Flush: "process"));

    [Fact]
    public Task Torn_ends_of_files_are_cut_and_nothing_acknowledged_with_them() =>
        HoldsAsync(new Faults(KillBroker: true, KillClients: false, Tear: true, Flush: "process"));

    [Fact]
    public Task With_flush_always_the_same_holds() =>
        HoldsAsync(new Faults(KillBroker: true, KillClients: true, Tear: true, Flush: "always"));

    private async Task HoldsAsync(Faults faults)
    {
        var run = FaultRun.Of(Shortly);
        await using var crash = await CrashRun.StartAsync(faults, run);
        try
        {
            await crash.SufferAsync(run.Duration);
            await crash.SettleAsync();
            CheckRecords(crash);
            CheckTransfers(crash);
            CheckChain(crash);
            CheckConsumer(crash);
            Assert.Empty(crash.Evidence.Contradictions);
            Assert.Equal(
                crash.Happened.GetValueOrDefault("transfer supplanted"),
                crash.Happened.GetValueOrDefault("found itself fenced")
            );
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(
                $"{run.Name}: {Tell(crash)}: {e.Message}\nClients said:\n{crash.Evidence.Errors}\n"
                    + $"The broker said:\n{crash.Broker.OutputEnd}",
                e
            );
        }
        output.WriteLine($"{run.Name}: {Tell(crash)}");
    }

    private static string Tell(CrashRun crash)
    {
        var happened = crash.Happened.Select(h => $"{h.Key} {h.Value} times");
        return $"{crash.Evidence.Acknowledged.Sum(a => a.Value.Count)} records acknowledged, "
            + $"{crash.Evidence.Committed.Count} transfers committed, {string.Join(", ", happened)}";
    }

    /// <summary>Records stand in their producer's order, each once, acknowledged ones where it was said.</summary>
    private static void CheckRecords(CrashRun crash)
    {
        Assert.NotEmpty(crash.Evidence.Acknowledged);
        var found = 0;
        for (var p = 0; p < CrashRun.Partitions; p++)
        {
            var records = Reading.All(crash.Broker.Bootstrap, CrashRun.Source, p);
            Assert.Equal(records.Select(r => r.Offset.Value).Order(), records.Select(r => r.Offset.Value));
            foreach (var producer in records.GroupBy(r => r.Message.Key))
            {
                Assert.Equal(
                    Enumerable.Range(0, producer.Count()).Select(i => $"{producer.Key}:{i}"),
                    producer.Select(r => r.Message.Value)
                );
            }
            var values = records.ToDictionary(r => r.Message.Value, r => r.Offset.Value);
            foreach (
                var (producer, numbers) in crash.Evidence.Acknowledged.Where(a =>
                    a.Key.StartsWith($"p{p}.", StringComparison.Ordinal)
                )
            )
            {
                foreach (var (number, offset) in numbers)
                {
                    var isThere = values.TryGetValue($"{producer}:{number}", out var at);
                    Assert.True(isThere, $"{producer}:{number} is lost.");
                    Assert.True(offset < 0 || offset == at, $"{producer}:{number} is at {at}, not at {offset}.");
                    found++;
                }
            }
        }
        Assert.Equal(crash.Evidence.Acknowledged.Sum(a => a.Value.Count), found);
    }

    /// <summary>A transfer is seen in both partitions or in none, and the sum of all amounts is nothing.</summary>
    private static void CheckTransfers(CrashRun crash)
    {
        var records = Enumerable
            .Range(0, CrashRun.Partitions)
            .SelectMany(p => Reading.All(crash.Broker.Bootstrap, CrashRun.Transfers, p))
            .ToList();
        Assert.Equal(0, records.Sum(r => int.Parse(r.Message.Value)));
        var seen = records.GroupBy(r => r.Message.Key).ToDictionary(g => g.Key, g => g.Count());
        Assert.All(seen, transfer => Assert.Equal(2, transfer.Value));
        Assert.NotEmpty(crash.Evidence.Committed);
        Assert.Empty(crash.Evidence.Committed.Except(seen.Keys));
        Assert.Empty(crash.Evidence.Aborted.Intersect(seen.Keys));
    }

    /// <summary>The target holds what the source holds, in its order.</summary>
    private static void CheckChain(CrashRun crash)
    {
        for (var p = 0; p < CrashRun.Partitions; p++)
        {
            Assert.Equal(
                Reading.All(crash.Broker.Bootstrap, CrashRun.Source, p).Select(r => r.Message.Value),
                Reading.All(crash.Broker.Bootstrap, CrashRun.Target, p).Select(r => r.Message.Value)
            );
        }
    }

    /// <summary>Whatever lies before an offset that the plain consumer committed was processed.</summary>
    private static void CheckConsumer(CrashRun crash)
    {
        Assert.NotEmpty(crash.Evidence.Kept);
        var stands = Reading.Committed(
            crash.Broker.Bootstrap,
            ConsumerClient.Group,
            CrashRun.Source,
            CrashRun.Partitions
        );
        foreach (var (partition, kept) in crash.Evidence.Kept)
        {
            Assert.True(stands[partition] >= kept, $"A commit of {kept} in {partition} is lost: {stands[partition]}.");
            var processed = crash.Evidence.Processed[partition];
            Assert.All(
                Reading
                    .All(crash.Broker.Bootstrap, CrashRun.Source, partition)
                    .Select(r => r.Offset.Value)
                    .Where(offset => offset < stands[partition]),
                offset => Assert.Contains(offset, processed)
            );
        }
    }
}
