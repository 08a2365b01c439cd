using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Confluent.Kafka;
using EventStream.Cli.Supervisor;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;

namespace EventStream.EndToEnd.Tests.Messaging;

/// <summary>
/// The whole platform on a cluster of three brokers, one of which is killed while people upload and watch: nothing
/// stands still, and nothing that was acknowledged is lost.
/// </summary>
public sealed partial class BrokerLossTests(KafkaCluster cluster) : IClassFixture<KafkaCluster>
{
    private const string Sample =
        "-f lavfi -i testsrc2=size=426x240:rate=24:duration=12 -c:v libx264 -preset ultrafast";

    private static readonly TimeSpan QualityTimeout = TimeSpan.FromMinutes(1);

    [ApacheKafkaFact]
    public async Task With_one_of_three_brokers_killed_uploads_beacons_quality_and_sink_go_on_and_lose_nothing()
    {
        await using var platform = await PlatformProcess.StartAsync("--kafka", cluster.Bootstrap);
        AssertThreeReplicas();
        var source = await Publisher.MakeAsync(platform, "sample.mp4", Sample);
        var first = await Publisher.UploadAsync(platform, source);
        // A session without beacons does not count.
        await Publisher.OpenSessionAsync(platform, first);

        var watching = Command.RunAsync(
            TimeSpan.FromMinutes(3),
            EventStreamProcess.Program,
            ["load", "--video", first, "--playback", platform.Ports.Url("playback"), "--viewers", "6", "--day", "45"]
        );
        await Wait.UntilAsync("viewers' beacons arrive", () => Count(Topics.PlaybackBeacons) > 20);
        await cluster.KillAsync(await CoordinatorAsync("qoe"));
        var second = await Publisher.UploadAsync(platform, source);
        await Publisher.OpenSessionAsync(platform, second);
        await Wait.UntilAsync("every role is ready on two brokers", () => EveryRoleIsReadyAsync(platform));

        var (exitCode, output, errors) = await watching;
        Assert.True(exitCode == 0, output + errors);
        var report = Report().Match(output);
        Assert.True(report.Success, output);
        var (sessions, beacons) = (Number(report, "sessions"), Number(report, "beacons"));
        Assert.True(Number(report, "errors") == 0, output + errors);
        Assert.Equal(beacons, Count(Topics.PlaybackBeacons));
        HashSet<string> seen = [];
        for (var waited = Stopwatch.StartNew(); seen.Count < sessions; seen = Sessions())
            Assert.True(
                waited.Elapsed < QualityTimeout,
                $"Quality of {seen.Count} of {sessions} sessions was seen.\n{AnalyticsLog(platform)}"
            );
        await Wait.UntilAsync(
            "the sink has stored every record",
            () => SinkHasAllAsync(platform),
            TimeSpan.FromMinutes(1)
        );
    }

    private static string AnalyticsLog(PlatformProcess platform) =>
        string.Join(
            '\n',
            File.ReadLines(Path.Combine(platform.Data.Logs, "analytics.log"))
                .Where(line => !line.Contains(": Kafka: ", StringComparison.Ordinal))
                .TakeLast(30)
        );

    /// <summary>Every topic has them, those of the streams, of groups and of transactions among them.</summary>
    private void AssertThreeReplicas()
    {
        using var admin = Admin();
        var topics = admin.GetMetadata(TimeSpan.FromSeconds(20)).Topics;
        Assert.Superset(
            Topics.All.Select(topic => topic.Name).ToHashSet(),
            topics.Select(topic => topic.Topic).ToHashSet()
        );
        Assert.Contains(topics, topic => topic.Topic.EndsWith("-changelog", StringComparison.Ordinal));
        Assert.Contains(topics, topic => topic.Topic == "__consumer_offsets");
        Assert.Contains(topics, topic => topic.Topic == "__transaction_state");
        Assert.Empty(
            from topic in topics
            from partition in topic.Partitions
            where partition.Replicas.Length < 3
            select $"{topic.Topic} {partition.PartitionId}: {partition.Replicas.Length}"
        );
    }

    private static async Task<bool> EveryRoleIsReadyAsync(PlatformProcess platform)
    {
        using var http = new HttpClient();
        foreach (var role in PortPlan.Roles.Except(["broker", "supervisor"]))
        {
            using var answer = await http.GetAsync(new Uri($"{platform.Ports.Url(role)}/health/ready"));
            if (!answer.IsSuccessStatusCode)
                return false;
        }

        return true;
    }

    private async Task<bool> SinkHasAllAsync(PlatformProcess platform)
    {
        using var http = TestKeys.Client(platform.Data.Secret(DataFolder.OperatorKey));
        using var status = JsonDocument.Parse(
            await http.GetStringAsync(new Uri($"{platform.Ports.Url("warehouse")}/v1/status"))
        );
        var stored = status
            .RootElement.GetProperty("partitions")
            .EnumerateArray()
            .Where(partition => partition.GetProperty("topic").GetString() == Topics.PlaybackBeacons.Name)
            .Sum(partition => partition.GetProperty("nextOffset").GetInt64());
        return stored == Count(Topics.PlaybackBeacons) && status.RootElement.GetProperty("running").GetBoolean();
    }

    /// <summary>Records of a topic that nothing was removed from, and that no transactions write.</summary>
    private long Count(Topic topic)
    {
        using var consumer = Consumer();
        return Enumerable
            .Range(0, topic.Partitions)
            .Sum(partition =>
                consumer
                    .QueryWatermarkOffsets(new TopicPartition(topic.Name, partition), TimeSpan.FromSeconds(20))
                    .High.Value
            );
    }

    /// <summary>
    /// The coordinator of a group. Its loss is the hardest case: a commit in flight waits for its answer, and the
    /// client keeps it as the group's coordinator.
    /// </summary>
    private async Task<int> CoordinatorAsync(string group)
    {
        using var admin = Admin();
        var groups = await admin.DescribeConsumerGroupsAsync([group]);
        return groups.ConsumerGroupDescriptions.Single().Coordinator.Id;
    }

    /// <summary>The ids of the sessions whose quality was published.</summary>
    private HashSet<string> Sessions()
    {
        using var consumer = Consumer();
        consumer.Assign(
            Enumerable
                .Range(0, Topics.QoeSessions.Partitions)
                .Select(partition => new TopicPartitionOffset(Topics.QoeSessions.Name, partition, Offset.Beginning))
        );
        var (seen, ends) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<TopicPartition>());
        for (var waited = Stopwatch.StartNew(); ends.Count < Topics.QoeSessions.Partitions; )
        {
            if (waited.Elapsed > QualityTimeout)
                break;
            if (consumer.Consume(TimeSpan.FromMilliseconds(100)) is not { } record)
                continue;
            if (record.IsPartitionEOF)
                ends.Add(record.TopicPartition);
            else
                seen.Add(Encoding.UTF8.GetString(record.Message.Key));
        }

        return seen;
    }

    private IConsumer<byte[], byte[]> Consumer()
    {
        var kafka = new KafkaOptions { Bootstrap = cluster.Bootstrap };
        var config = kafka.ConsumerConfig("loss", $"loss-{Guid.NewGuid():N}");
        config.EnablePartitionEof = true;
        return new ConsumerBuilder<byte[], byte[]>(config)
            .SetLogHandler((_, _) => { })
            .SetErrorHandler((_, _) => { })
            .Build();
    }

    private IAdminClient Admin() =>
        new AdminClientBuilder(
            new AdminClientConfig(new KafkaOptions { Bootstrap = cluster.Bootstrap }.ClientConfig("loss"))
        ).Build();

    private static long Number(Match report, string name) =>
        long.Parse(report.Groups[name].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"sessions (?<sessions>\d+), .* beacons (?<beacons>\d+), errors (?<errors>\d+)")]
    private static partial Regex Report();
}
