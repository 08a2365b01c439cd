using Confluent.Kafka;
using Confluent.Kafka.Admin;
using EventStream.Collect;
using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Integration.Tests.Collect;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Integration.Tests.Messaging;

/// <summary>Topics are made as the contracts say, and what differs is told, not accepted in silence.</summary>
public sealed class TopicAdminTests(TestBroker broker) : IClassFixture<TestBroker>
{
    [Fact]
    public Task Topics_that_differ_in_partitions_policy_or_retention_are_told_with_the_remedy() =>
        DifferencesAreToldAsync(broker.Bootstrap);

    [ApacheKafkaFact]
    public async Task Topics_that_differ_are_told_on_Apache_Kafka() =>
        await DifferencesAreToldAsync(await ApacheKafka.BootstrapAsync());

    [Fact]
    public async Task A_role_beside_a_topic_that_differs_is_ready_and_says_what_is_wrong()
    {
        await using var own = await TestBroker.StartAsync();
        await CreateAsync(own.Bootstrap, Topics.PlaybackBeacons.Name, 2, new() { ["retention.ms"] = "1000" });
        var settings = CollectRig.Settings(
            ("Kafka:Bootstrap", own.Bootstrap),
            ("Listen:collect", $"http://127.0.0.1:{FreePort.Next()}")
        );
        await using var app = RoleHost.Build(new CollectRole(), RoleHost.ReadConfiguration(null, settings));
        await app.StartAsync();
        using var http = new HttpClient();
        using var ready = await http.GetAsync(new Uri(app.Urls.First() + "/health/ready"));
        var text = await ready.Content.ReadAsStringAsync();
        Assert.True(ready.IsSuccessStatusCode, text);
        Assert.StartsWith("Degraded", text);
        Assert.Contains("Topic 'playback.beacons' has partitions 2, the contracts say 6; add partitions", text);
        Assert.Contains("retention.ms 1000, the contracts say 604800000; set it (kafka-configs", text);
        await app.StopAsync();
    }

    private static async Task DifferencesAreToldAsync(string bootstrap)
    {
        var admin = new TopicAdmin(new KafkaOptions { Bootstrap = bootstrap }, NullLogger<TopicAdmin>.Instance);
        var run = Guid.NewGuid().ToString("N");
        Topic Wanted(string name, int partitions, TimeSpan? retention, bool compacted = false) =>
            new($"{name}-{run}", "key", "tests", "tests", partitions, retention, compacted);
        Topic[] topics =
        [
            Wanted("right", 2, TimeSpan.FromDays(7)),
            Wanted("compacted", 1, null, compacted: true),
            Wanted("many", 2, null),
            Wanted("few", 3, null),
            Wanted("short", 1, TimeSpan.FromDays(1)),
        ];
        Assert.Equal(topics, (await admin.CompareAsync(topics, CancellationToken.None)).Missing);
        await CreateAsync(bootstrap, topics[2].Name, 4, new() { ["retention.ms"] = "-1" });
        await CreateAsync(bootstrap, topics[3].Name, 1, new() { ["retention.ms"] = "-1" });
        await CreateAsync(
            bootstrap,
            topics[4].Name,
            1,
            new() { ["retention.ms"] = "5000", ["cleanup.policy"] = "compact" }
        );
        var differences = await admin.EnsureAsync(topics, CancellationToken.None);

        // A topic that was just made may be known a moment later.
        var report = new TopicReport(topics, []);
        await Eventually.HoldsAsync(
            async () => (report = await admin.CompareAsync(topics, CancellationToken.None)).Missing.Count == 0,
            "every topic is there"
        );
        Assert.Equal(
            [
                new TopicDifference(topics[2].Name, "partitions", "4", "2"),
                new TopicDifference(topics[3].Name, "partitions", "1", "3"),
                new TopicDifference(topics[4].Name, "cleanup.policy", "compact", "delete"),
                new TopicDifference(topics[4].Name, "retention.ms", "5000", "86400000"),
            ],
            report.Differences
        );
        Assert.Equal(report.Differences, differences);
        Assert.Contains("cannot be taken away", report.Differences[0].Remedy);
        Assert.Contains($"--topic {topics[3].Name} --partitions 3", report.Differences[1].Remedy);
    }

    private static async Task CreateAsync(
        string bootstrap,
        string topic,
        int partitions,
        Dictionary<string, string> configs
    )
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrap }).Build();
        await admin.CreateTopicsAsync([
            new TopicSpecification
            {
                Name = topic,
                NumPartitions = partitions,
                ReplicationFactor = 1,
                Configs = configs,
            },
        ]);
    }
}
