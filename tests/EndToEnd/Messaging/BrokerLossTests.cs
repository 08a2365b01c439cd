using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
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
    private const int Killed = 2;
    private const string SourceFilter = "testsrc2=size=426x240:rate=24:duration=12";
    private static readonly TimeSpan VideoTimeout = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan QualityTimeout = TimeSpan.FromMinutes(1);

    [ApacheKafkaFact]
    public async Task With_one_of_three_brokers_killed_uploads_beacons_quality_and_sink_go_on_and_lose_nothing()
    {
        await using var platform = await PlatformProcess.StartAsync("--kafka", cluster.Bootstrap);
        AssertThreeReplicas();
        var source = Path.Combine(platform.Data.Root, "sample.mp4");
        await MakeSampleAsync(source);
        var first = await UploadAsync(platform, source);
        await UntilPlayableAsync(platform, first);

        var watching = Command.RunAsync(
            TimeSpan.FromMinutes(3),
            EventStreamProcess.Program,
            ["load", "--video", first, "--playback", platform.Ports.Url("playback"), "--viewers", "6", "--day", "45"]
        );
        await Wait.UntilAsync("viewers' beacons arrive", () => Count(Topics.PlaybackBeacons) > 20);
        await cluster.KillAsync(Killed);
        var second = await UploadAsync(platform, source);
        await UntilPlayableAsync(platform, second);
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

    private static async Task MakeSampleAsync(string file)
    {
        var (exitCode, _, errors) = await Command.RunAsync(
            TimeSpan.FromMinutes(1),
            "ffmpeg",
            ["-v", "error", "-f", "lavfi", "-i", SourceFilter, "-c:v", "libx264", "-preset", "ultrafast", file]
        );
        Assert.True(exitCode == 0, errors);
    }

    /// <summary>Uploads by tus as a publisher; returns the id of the video.</summary>
    private static async Task<string> UploadAsync(PlatformProcess platform, string file)
    {
        using var http = TestKeys.Client(platform.Data.Secret(DataFolder.ApiKey));
        http.DefaultRequestHeaders.Add("Tus-Resumable", "1.0.0");
        using var create = new HttpRequestMessage(HttpMethod.Post, $"{platform.Ports.Url("upload")}/v1/uploads");
        create.Headers.Add("Upload-Length", $"{new FileInfo(file).Length}");
        create.Headers.Add(
            "Upload-Metadata",
            $"filename {Base64("sample.mp4")},filetype {Base64("video/mp4")},title {Base64("A sample")}"
        );
        using var created = await http.SendAsync(create);
        Assert.True(created.StatusCode == HttpStatusCode.Created, await created.Content.ReadAsStringAsync());
        using var patch = new HttpRequestMessage(
            HttpMethod.Patch,
            new Uri(create.RequestUri!, created.Headers.Location!)
        );
        patch.Headers.Add("Upload-Offset", "0");
        patch.Content = new ByteArrayContent(await File.ReadAllBytesAsync(file));
        patch.Content.Headers.ContentType = new MediaTypeHeaderValue("application/offset+octet-stream");
        using var sent = await http.SendAsync(patch);
        Assert.True(sent.StatusCode == HttpStatusCode.NoContent, await sent.Content.ReadAsStringAsync());
        return created.Headers.GetValues("X-Video-Id").First();
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    /// <summary>A session can be opened once the video is published; one without beacons does not count.</summary>
    private static async Task UntilPlayableAsync(PlatformProcess platform, string video)
    {
        using var http = new HttpClient();
        await Wait.UntilAsync(
            $"video {video} can be watched",
            async () =>
            {
                using var answer = await http.PostAsJsonAsync(
                    new Uri($"{platform.Ports.Url("playback")}/v1/videos/{video}/sessions"),
                    new { player = "test", region = "eu" }
                );
                return answer.IsSuccessStatusCode;
            },
            VideoTimeout
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
