using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Confluent.Kafka;
using EventStream.Collect;
using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Integration.Tests.Collect;
using EventStream.Integration.Tests.Qoe;
using EventStream.Integration.Tests.Upload;
using EventStream.Messaging.Kafka;
using EventStream.Qoe;
using EventStream.Tests.Kit;
using Microsoft.AspNetCore.Builder;

namespace EventStream.Integration.Tests.Messaging;

/// <summary>
/// The journey's events on both brokers: an upload's facts from the event store to <c>video.events</c>, players'
/// reports and edges' log lines through the collector, and sessions, windows and load out of the QoE transactions. What
/// comes out is the same, because both are held against the topology's own test driver.
/// </summary>
/// <remarks>
/// Apache Kafka is one node for all tests of the process and the topics have the names of the contracts; every id is
/// of this run, and what others may write is passed over.
/// </remarks>
public sealed partial class EventPathTests
{
    private readonly string run = Guid.NewGuid().ToString("N")[..8];
    private readonly VideoId video = VideoId.New(TimeProvider.System.GetUtcNow());

    [Fact]
    public async Task The_event_path_runs_on_the_embedded_broker()
    {
        await using var broker = await TestBroker.StartAsync();
        await RunAsync(broker.Bootstrap);
    }

    [ApacheKafkaFact]
    public async Task The_event_path_runs_on_Apache_Kafka() => await RunAsync(await ApacheKafka.BootstrapAsync());

    private async Task RunAsync(string bootstrap)
    {
        await new TopicAdmin(
            new KafkaOptions { Bootstrap = bootstrap },
            Microsoft.Extensions.Logging.Abstractions.NullLogger<TopicAdmin>.Instance
        ).EnsureAsync(Topics.All, CancellationToken.None);
        await using var upload = await UploadHarness.StartAsync(bootstrap);
        await using var collect = await StartAsync(new CollectRole(), bootstrap, CollectRig.Settings());
        var hurried = FastQoe.Settings(run);
        // The captured viewers watched up to half a minute ago, which a role that waits for records counts as late.
        hurried["Qoe:WindowGraceSeconds"] = hurried["Qoe:LoadGraceSeconds"] = "35";
        await using var qoe = await StartAsync(new QoeRole(), bootstrap, hurried);
        using var created = await upload.SendAsync(
            "POST",
            "/v1/uploads",
            [("Upload-Length", "5")],
            "hello"u8.ToArray()
        );
        var uploaded = created.Headers.GetValues("X-Video-Id").Single();
        Assert.Equal(
            ["video.registered.v1", "video.uploaded.v1"],
            (await ReadAsync(bootstrap, Topics.VideoEvents, (key, _) => key == uploaded, 2)).Select(message =>
                MessageTypes.NameOf(message.GetType())
            )
        );

        var viewers = new[] { "hls-downswitch", "dash-plain", "hls-fatalStart" }.Select(Viewer).ToList();
        foreach (var (session, lines) in viewers)
            await PostAsync(collect, CollectRig.BeaconsPath(session, $"vid-{run}"), "application/cmcd", lines);
        await PostAsync(collect, "/v1/cdn-logs", "application/x-ndjson", AccessLog());

        var beacons = (
            await ReadAsync(
                bootstrap,
                Topics.PlaybackBeacons,
                (key, _) => key.EndsWith(run, StringComparison.Ordinal),
                viewers.Sum(viewer => viewer.Lines.Count)
            )
        )
            .Cast<BeaconReceived>()
            .ToList();
        Assert.All(beacons, beacon => Assert.True(beacon.Proven));
        var requests = await ReadAsync(
            bootstrap,
            Topics.CdnRequests,
            (_, m) => m is CdnRequestServed r && r.VideoId == video.ToString(),
            20
        );
        Assert.Equal(20, requests.Cast<CdnRequestServed>().Select(request => request.RequestId).Distinct().Count());
        var finished = (
            await ReadAsync(
                bootstrap,
                Topics.QoeSessions,
                (key, m) => m is SessionFinished && key.EndsWith(run, StringComparison.Ordinal),
                viewers.Count
            )
        )
            .Cast<SessionFinished>()
            .ToList();
        foreach (var session in beacons.GroupBy(beacon => beacon.SessionId, StringComparer.Ordinal))
            Assert.Equal(
                QoeRun.Json(Expected([.. session])),
                QoeRun.Json(finished.Single(f => f.SessionId == session.Key))
            );

        await WindowsAndLoadAsync(bootstrap);
        await qoe.StopAsync();
        await collect.StopAsync();
    }

    private async Task WindowsAndLoadAsync(string bootstrap)
    {
        var windows = await ReadAsync(
            bootstrap,
            Topics.QoeWindows,
            (key, _) => key.StartsWith($"vid-{run}|", StringComparison.Ordinal),
            3
        );
        Assert.Contains(windows.Cast<QoeWindowClosed>(), window => window.PlayedMs > 0);
        var load = await ReadAsync(bootstrap, Topics.TrafficLoad, (key, _) => key == "edge:edge-a:bytes", 1);
        Assert.True(((LoadMeasured)load[0]).Value > 0);
    }

    /// <summary>A captured viewer's lines under a session id of this run, their times moved to end now.</summary>
    private (string Session, List<string> Lines) Viewer(string name)
    {
        var capture = EventStream.Tests.Kit.Capture.Load(name);
        var moved =
            TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds()
            - capture.Beacons.Max(beacon => beacon.Time).ToUnixTimeMilliseconds();
        return (
            $"{capture.Beacons[0].SessionId}-{run}",
            [
                .. capture.Beacons.Select(beacon =>
                    TimeStamp()
                        .Replace(
                            beacon.Raw,
                            match => $"ts={long.Parse(match.Groups["ms"].Value, CultureInfo.InvariantCulture) + moved}"
                        )
                        .Replace(
                            $"sid=\"{beacon.SessionId}\"",
                            $"sid=\"{beacon.SessionId}-{run}\"",
                            StringComparison.Ordinal
                        )
                        .Replace("cid=\"vid-1\"", $"cid=\"vid-{run}\"", StringComparison.Ordinal)
                ),
            ]
        );
    }

    /// <summary>Twenty segments that an edge of this run served over the last ten seconds.</summary>
    private List<string> AccessLog()
    {
        var (now, session) = (TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), Guid.NewGuid());
        return
        [
            .. Enumerable
                .Range(0, 20)
                .Select(i =>
                {
                    var time = ((now - (10_000 - (i * 500))) / 1000.0).ToString("F3", CultureInfo.InvariantCulture);
                    return "{\"time\":"
                        + time
                        + ",\"edge\":\"edge-a\",\"region\":\"eu\",\"method\":\"GET\","
                        + "\"uri\":\"/media/"
                        + video
                        + "/720p/"
                        + i
                        + ".m4s\",\"args\":\"\",\"status\":200,\"bytes\":1000,"
                        + "\"duration\":0.01,\"upstream\":\"-\",\"cache\":\"HIT\",\"ua\":\"test\",\"req_id\":\""
                        + run
                        + i
                        + "\",\"session\":\""
                        + session
                        + "\"}";
                }),
        ];
    }

    private static SessionFinished Expected(List<BeaconReceived> beacons)
    {
        var driver = new QoeRun(new QoeOptions { SessionTimeoutSeconds = 4 });
        driver.Hear(beacons);
        driver.Finish(beacons.Max(beacon => beacon.Time));
        return driver.Sessions().OfType<SessionFinished>().Last();
    }

    private static async Task<WebApplication> StartAsync(
        IRole role,
        string bootstrap,
        Dictionary<string, string?> settings
    )
    {
        settings["Kafka:Bootstrap"] = bootstrap;
        settings[$"Listen:{role.Name}"] = $"http://127.0.0.1:{FreePort.Next()}";
        var app = RoleHost.Build(role, RoleHost.ReadConfiguration(null, settings));
        await app.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        await Eventually.HoldsAsync(
            async () => (await http.GetAsync("/health/ready")).IsSuccessStatusCode,
            $"{role.Name} is ready"
        );
        return app;
    }

    private static async Task PostAsync(WebApplication collect, string path, string type, List<string> lines)
    {
        using var http = TestKeys.Client(TestKeys.EdgeA);
        using var body = new ByteArrayContent(Encoding.UTF8.GetBytes(string.Join('\n', lines)));
        body.Headers.ContentType = new(type);
        using var answer = await http.PostAsync(new Uri(collect.Urls.First() + path), body);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>Reads committed messages of a topic that are this run's until there are so many.</summary>
    private static Task<List<IMessage>> ReadAsync(
        string bootstrap,
        Topic topic,
        Func<string, IMessage, bool> mine,
        int count
    ) =>
        Task.Run(() =>
        {
            var config = new KafkaOptions { Bootstrap = bootstrap }.ConsumerConfig("path", $"path-{Guid.NewGuid():N}");
            using var consumer = new ConsumerBuilder<byte[], byte[]>(config).Build();
            consumer.Assign(
                Enumerable
                    .Range(0, topic.Partitions)
                    .Select(partition => new TopicPartitionOffset(topic.Name, partition, Offset.Beginning))
            );
            var found = new List<IMessage>();
            var started = TimeProvider.System.GetTimestamp();
            while (found.Count < count)
            {
                if (TimeProvider.System.GetElapsedTime(started) > MessagingRig.Patience)
                    Assert.Fail($"Only {found.Count} of {count} records of '{topic}' came.");
                if (consumer.Consume(TimeSpan.FromMilliseconds(100)) is not { } record)
                    continue;
                var message = MessageTypes.Read(
                    record.Message.Headers.GetLastBytes(CloudEvents.Type),
                    record.Message.Value
                );
                if (mine(Encoding.UTF8.GetString(record.Message.Key), message))
                    found.Add(message);
            }

            return found;
        });

    [GeneratedRegex(@"\bts=(?<ms>\d+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex TimeStamp();
}
