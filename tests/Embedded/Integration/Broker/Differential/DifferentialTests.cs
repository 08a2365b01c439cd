using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker.Differential;

/// <summary>
/// The same scripts on two brokers. What the clients of Apache Kafka saw is kept in <c>Golden/</c>, one file for each
/// scenario; Apache Kafka must still do so, and the platform's broker must do the same but for the permitted
/// differences. With <c>EVENTSTREAM_RECORD_GOLDEN=1</c> the first half writes the files anew.
/// </summary>
public abstract class DifferentialTests
{
    public static TheoryData<string> Names => [.. Scenarios.All.Keys];

    private protected static async Task<IReadOnlyList<string>> PlayAsync(string scenario, string bootstrap)
    {
        using var world = await World.OpenAsync(bootstrap);
        try
        {
            await Scenarios.All[scenario](world);
        }
        catch (Exception e)
        {
            var seen = string.Join("\n  ", world.Transcript);
            throw new InvalidOperationException($"{scenario} broke off: {e.Message} Seen until then:\n  {seen}", e);
        }
        Assert.NotEmpty(world.Transcript);
        return world.Transcript;
    }

    private protected static string GoldenOf(string scenario) =>
        Path.Combine(
            Checkout.Root,
            "tests",
            "Embedded",
            "Integration",
            "Broker",
            "Differential",
            "Golden",
            scenario.Replace(' ', '-') + ".txt"
        );

    private protected static void AssertSame(string broker, IReadOnlyList<string> wanted, IReadOnlyList<string> seen)
    {
        var (want, saw) = (ByStep(wanted), ByStep(seen));
        var differences = want
            .Keys.Union(saw.Keys)
            .Where(step => want.GetValueOrDefault(step) != saw.GetValueOrDefault(step))
            .Select(step =>
                $"  {step}\n    wanted    {want.GetValueOrDefault(step, "nothing")}\n    {broker}  "
                + saw.GetValueOrDefault(step, "nothing")
            )
            .ToList();
        Assert.True(differences.Count == 0, "Clients saw something else:\n" + string.Join('\n', differences));
        Assert.Equal(wanted, seen);
    }

    /// <summary>What was seen at each step; a step that a script takes more than once is numbered.</summary>
    private static Dictionary<string, string> ByStep(IReadOnlyList<string> transcript)
    {
        var steps = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in transcript)
        {
            var parts = line.Split(": ", 2);
            var step = parts[0];
            for (var i = 2; !steps.TryAdd(step, parts[1]); i++)
            {
                step = $"{parts[0]} ({i})";
            }
        }
        return steps;
    }
}

/// <summary>The scenarios on the platform's broker.</summary>
[Trait("Category", "Integration")]
public sealed class DifferentialOwnTests(DifferentialOwnTests.OwnBroker own)
    : DifferentialTests,
        IClassFixture<DifferentialOwnTests.OwnBroker>
{
    [Theory]
    [MemberData(nameof(Names))]
    public async Task The_platforms_broker_shows_clients_what_Apache_Kafka_shows(string scenario)
    {
        var golden = await File.ReadAllLinesAsync(GoldenOf(scenario));
        AssertSame("saw     ", PermittedDifferences.Apply(scenario, golden), await PlayAsync(scenario, own.Bootstrap));
    }

    [Fact]
    public void Every_permitted_difference_is_from_a_line_that_Apache_Kafka_shows()
    {
        foreach (var difference in PermittedDifferences.All)
        {
            Assert.Contains(difference.Apache, File.ReadAllLines(GoldenOf(difference.Scenario)));
        }
    }

    /// <summary>The broker with its upkeep hurried, as the Apache Kafka beside it is.</summary>
    public sealed class OwnBroker : IAsyncLifetime
    {
        private TestBroker? _broker;

        public string Bootstrap => _broker!.Bootstrap;

        public async Task InitializeAsync() =>
            _broker = await TestBroker.StartAsync(o =>
                o with
                {
                    AutoCreateTopics = false,
                    RetentionCheckInterval = TimeSpan.FromMilliseconds(200),
                }
            );

        public Task DisposeAsync() => _broker!.DisposeAsync().AsTask();
    }
}

/// <summary>The scenarios on Apache Kafka.</summary>
[Trait("Category", "Integration")]
public sealed class DifferentialApacheTests : DifferentialTests
{
    private static readonly bool Records = Environment.GetEnvironmentVariable("EVENTSTREAM_RECORD_GOLDEN") == "1";

    [ApacheKafkaTheory]
    [MemberData(nameof(Names))]
    public async Task Apache_Kafka_still_shows_clients_what_is_kept_of_it(string scenario)
    {
        var seen = await PlayAsync(scenario, await ApacheKafka.BootstrapAsync());
        if (Records)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(GoldenOf(scenario))!);
            await File.WriteAllLinesAsync(GoldenOf(scenario), seen);
        }
        AssertSame("now     ", await File.ReadAllLinesAsync(GoldenOf(scenario)), seen);
    }
}
