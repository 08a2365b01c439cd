using System.Text;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Streams;

namespace EventStream.Tests.Integration.Streams;

/// <summary>
/// What exactly-once means on a broker: a thread that is killed between two commits leaves no trace.
/// </summary>
[Trait("Category", "Integration")]
public sealed class ExactlyOnceTests
{
    private const int Keys = 20;

    // So many that the first thread is far from done when the test sees what it committed first.
    private const int RecordsPerKey = 3000;
    private static readonly DateTimeOffset T0 = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Counts_after_a_kill_are_those_of_a_run_without_one()
    {
        await using var broker = await StreamsBroker.StartAsync();
        var (input, output) = (Named("in"), Named("out"));
        await broker.Admin.EnsureAsync([input, output], CancellationToken.None);
        broker.Write(input.Name, Records());

        using var first = broker.App(Counting(input, output), Options(input));
        await first.StartAsync(CancellationToken.None);
        broker.ReadUntil(output, read => read.Count > 0);
        await first.KillAsync();
        var atKill = broker.Committed(output);
        Assert.InRange(atKill, 1, (Keys * RecordsPerKey) - 1);

        using var second = broker.App(Counting(input, output), Options(input));
        await second.StartAsync(CancellationToken.None);
        var results = broker.ReadUntil(output, read => read.Count >= Keys * RecordsPerKey);
        await second.StopAsync(CancellationToken.None);

        // Each record makes one count: 1, 2, 3, ... for its key, none missing and none twice.
        Assert.Equal(Keys * RecordsPerKey, broker.Committed(output));
        foreach (var key in results.GroupBy(result => Encoding.UTF8.GetString(result.Message.Key)))
        {
            var counts = key.Select(result => Serdes.Long.Read(result.Message.Value, null)).ToList();
            Assert.Equal(Enumerable.Range(1, RecordsPerKey).Select(n => (long)n), counts);
        }
    }

    private static Topology Counting(Topic input, Topic output)
    {
        var builder = new StreamBuilder();
        builder
            .Stream(input.Name, new Consumed<string, string>(Serdes.Text, Serdes.Text))
            .SelectKey((_, value) => value)
            .GroupByKey(new Repartitioned<string, string>("by-value", Serdes.Text, Serdes.Text))
            .Count("counts", Serdes.Text)
            .ToStream()
            .To(output.Name, new Produced<string, long>(Serdes.Text, Serdes.Long));
        return builder.Build();
    }

    private static IEnumerable<Message<byte[], byte[]>> Records() =>
        Enumerable
            .Range(0, Keys * RecordsPerKey)
            .Select(n => new Message<byte[], byte[]>
            {
                Key = Encoding.UTF8.GetBytes($"{n}"),
                Value = Encoding.UTF8.GetBytes($"key-{n % Keys}"),
                Timestamp = new Timestamp(T0.AddMilliseconds(n * 10)),
            });

    private static StreamsOptions Options(Topic input) =>
        new()
        {
            ApplicationId = $"{input.Name}-app",
            InstanceId = "one",
            CommitInterval = TimeSpan.FromMilliseconds(50),
            BatchMax = 200,
            SessionTimeout = TimeSpan.FromSeconds(6),
        };

    private static Topic Named(string word) => new($"{word}-{Guid.NewGuid():N}", "key", "test", "test", 2, null);
}
