using EventStream.Contracts;
using EventStream.Messaging.Kafka;
using EventStream.Qoe;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit.Abstractions;

namespace EventStream.Integration.Tests.Streams.Faults;

/// <summary>
/// The role <c>qoe</c> itself, in processes that are killed while an audience reports: finished sessions, closed
/// windows and dead letters are those of a run without a fault, each once. The windows left open at the end close in a
/// last process to which nothing more is written.
/// </summary>
[Trait("Category", "Fault")]
public sealed class QoeFaultTests(ITestOutputHelper output)
{
    private const int Lead = 20_000;
    private const int Kills = 3;
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(180);

    private static readonly StreamFault[] Faults =
    [
        StreamFault.Kill,
        StreamFault.KillAll,
        StreamFault.Die,
        StreamFault.Leave,
        StreamFault.Join,
    ];

    /// <summary>
    /// Partitions are processed at different speeds after a fault, so a window waits for long; and time does not follow
    /// the clock before the end.
    /// </summary>
    private static readonly QoeOptions Options = new() { WindowGraceSeconds = 3_600, IdleAdvanceSeconds = 0 };

    private readonly string application = $"qoe-{Guid.NewGuid():N}"[..12];

    [Fact]
    public async Task Sessions_and_windows_of_the_killed_role_are_those_of_a_run_without_a_fault()
    {
        await using var broker = await TestBroker.StartAsync();
        await HoldsAsync(broker.Bootstrap);
    }

    private async Task HoldsAsync(string bootstrap)
    {
        var run = FaultRun.Of(TimeSpan.Zero);
        await new TopicAdmin(new KafkaOptions { Bootstrap = bootstrap }, NullLogger<TopicAdmin>.Instance).EnsureAsync(
            Topics.All,
            CancellationToken.None
        );
        var audience = new AudienceInput(run.Seed, Second(TimeProvider.System.GetUtcNow()).AddDays(-1));
        await using var feed = new StreamFeed(
            bootstrap,
            application,
            Topics.PlaybackBeacons.Name,
            audience.Written.Count,
            audience.Take,
            Lead
        );
        string[] names = FaultRun.IsSoak ? ["one", "two"] : ["one"];
        await using var stream = new StreamFaults(
            names,
            name => StreamInstance.Qoe(name, Settings(bootstrap, name, idleAdvanceSeconds: 0)),
            feed,
            run.Seed
        );
        try
        {
            await stream.StartAsync();
            if (FaultRun.IsSoak)
                await stream.SufferAsync(run.Duration, Faults);
            else
                await stream.KillAsync(Kills);
            await feed.EndAsync(audience.Leave());
            await Wait.UntilAsync(
                "every report is committed",
                () => feed.LookAtGroup() == audience.Written.Sum(),
                EndTimeout
            );
            await stream.StopAsync();
            await ClosesAsync(bootstrap, audience);
            output.WriteLine(
                $"{run.Name}: {audience.Reports.Count} reports, {audience.DeadLetters.Count} unreadable, "
                    + $"at least {feed.LeftMin} left at each fault."
            );
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{run.Name}: {e.Message}\nThe role wrote:\n{stream.Output}", e);
        }
    }

    /// <summary>Compares, in one last process without input, everything that is committed with the reference.</summary>
    private async Task ClosesAsync(string bootstrap, AudienceInput audience)
    {
        var expected = new Expected(audience);
        await using var last = StreamInstance.Qoe("one", Settings(bootstrap, "one", idleAdvanceSeconds: 1));
        try
        {
            await Wait.UntilAsync(
                "every window is closed",
                () =>
                    Read(bootstrap, Topics.QoeWindows).Count >= expected.Windows.Count
                    && Finished(bootstrap).Count >= expected.Sessions.Count,
                EndTimeout
            );
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{e.Message}\nThe last process wrote:\n{last.OutputEnd}", e);
        }

        Same(expected.Sessions, Finished(bootstrap));
        Same(expected.Windows, Read(bootstrap, Topics.QoeWindows));
        Same(
            audience.DeadLetters.Select(at => $"{at}"),
            Messages(bootstrap, Topics.DeadLetters)
                .Cast<RecordDeadLettered>()
                .Where(letter => letter.Topic == Topics.PlaybackBeacons.Name)
                .Select(letter => $"{(letter.Partition, letter.Offset)}")
        );
        Assert.NotEmpty(audience.DeadLetters);
        await last.LeaveAsync();
    }

    private static DateTimeOffset Second(DateTimeOffset time) => time.AddTicks(-(time.Ticks % TimeSpan.TicksPerSecond));

    private static void Same(IEnumerable<string> expected, IEnumerable<string> found)
    {
        var (right, there) = (expected.Order(StringComparer.Ordinal).ToList(), found.Order(StringComparer.Ordinal));
        var twice = there.CountBy(one => one).Where(count => count.Value > 1).Select(count => $"twice: {count.Key}");
        var wrong = there.Except(right).Select(one => $"wrong: {one}");
        var missing = right.Except(there).Select(one => $"missing: {one}");
        CountRun.AssertNone([.. twice, .. wrong, .. missing]);
    }

    private static List<string> Finished(string bootstrap) =>
        [.. Messages(bootstrap, Topics.QoeSessions).OfType<SessionFinished>().Select(QoeRun.Json)];

    private static List<string> Read(string bootstrap, Topic topic) =>
        [.. Messages(bootstrap, topic).Select(QoeRun.Json)];

    private static IEnumerable<IMessage> Messages(string bootstrap, Topic topic) =>
        from message in CommittedRecords.Of(bootstrap, topic.Name, topic.Partitions)
        select MessageTypes.Read(CloudEvents.Text(message.Headers, CloudEvents.Type)!, message.Value);

    private IEnumerable<KeyValuePair<string, string?>> Settings(
        string bootstrap,
        string name,
        int idleAdvanceSeconds
    ) =>
        TestKeys.Pairs.Concat(
            new Dictionary<string, string?>
            {
                ["Kafka:Bootstrap"] = bootstrap,
                ["Qoe:ApplicationId"] = application,
                ["Qoe:InstanceId"] = name,
                ["Qoe:WindowGraceSeconds"] = $"{Options.WindowGraceSeconds}",
                ["Qoe:IdleAdvanceSeconds"] = $"{idleAdvanceSeconds}",
            }
        );

    /// <summary>The same topology in the test driver, which nothing disturbs.</summary>
    private sealed class Expected
    {
        public Expected(AudienceInput audience)
        {
            var run = new QoeRun(Options);
            run.Hear(audience.Reports);
            run.Finish(audience.Reports[^1].Time);
            run.Finish(audience.Reports[^1].Time.AddSeconds(Options.WindowGraceSeconds));
            Sessions = [.. run.Sessions().OfType<SessionFinished>().Select(QoeRun.Json)];
            Windows = [.. run.Windows().Select(QoeRun.Json)];
        }

        public IReadOnlyList<string> Sessions { get; }

        public IReadOnlyList<string> Windows { get; }
    }
}
