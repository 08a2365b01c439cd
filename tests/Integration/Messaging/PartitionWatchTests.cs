using System.Diagnostics;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Integration.Tests.Collect;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Microsoft.AspNetCore.Builder;

namespace EventStream.Integration.Tests.Messaging;

/// <summary>A role that Kafka does not serve is not ready, says why, and is ready again once it is served.</summary>
public sealed class PartitionWatchTests(KafkaCluster cluster) : IClassFixture<KafkaCluster>
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(90);

    [ApacheKafkaFact]
    public async Task A_role_names_the_partitions_whose_brokers_are_down_and_is_ready_again_when_they_return()
    {
        var topic = new Topic($"t-{Guid.NewGuid():N}", "key", "tests", "tests", 3, null);
        using (
            var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = cluster.Bootstrap }).Build()
        )
        {
            await admin.CreateTopicsAsync([
                new TopicSpecification
                {
                    Name = topic.Name,
                    NumPartitions = 3,
                    ReplicasAssignments = new()
                    {
                        [0] = [1],
                        [1] = [2],
                        [2] = [3],
                    },
                    Configs = TopicSettings.Of(topic),
                },
            ]);
        }

        await using var app = RoleHost.Build(
            new Reader(topic),
            RoleHost.ReadConfiguration(
                null,
                new Dictionary<string, string?> { ["Kafka:Bootstrap"] = cluster.Bootstrap }
            )
        );
        await app.StartAsync();
        var url = app.Urls.First();
        var few = await UntilReadyAsync(url);
        Assert.StartsWith("Degraded", few);
        Assert.Contains(
            $"Topic '{topic.Name}' has replicas 1 where Kafka:ReplicationFactor or the cluster's default says 3",
            few
        );

        await cluster.KillAsync(2);
        try
        {
            var text = await UntilUnreadyAsync(url, "Partitions without a leader");
            Assert.Contains($"{topic.Name} 1", text);
            Assert.DoesNotContain($"{topic.Name} 0", text);
            Assert.DoesNotContain($"{topic.Name} 2", text);
        }
        finally
        {
            await cluster.AgainAsync(2);
        }

        await UntilReadyAsync(url);
        await app.StopAsync();
    }

    [Fact]
    public async Task A_role_that_starts_without_Kafka_says_so_at_its_address_until_a_broker_is_there()
    {
        var port = FreePort.Next();
        await using var role = EventStreamProcess.Launch(
            "collect",
            ("Kafka:Bootstrap", $"127.0.0.1:{port}"),
            ("Playback:SigningKey", CollectRig.SigningKey)
        );
        await UntilUnreadyAsync(role.Url, $"kafka: Kafka at 127.0.0.1:{port} does not answer");
        using (var http = new HttpClient())
        {
            using var alive = await http.GetAsync(new Uri(role.Url + "/health/live"));
            Assert.True(alive.IsSuccessStatusCode);
        }

        await using var broker = await TestBroker.StartAsync(options => options with { Port = port });
        await role.UntilReadyAsync();
    }

    [Fact]
    public async Task A_role_that_loses_Kafka_says_so_and_is_ready_again_when_it_is_back()
    {
        await using var broker = await TestBroker.StartAsync();
        var topic = new Topic($"t-{Guid.NewGuid():N}", "key", "tests", "tests", 1, null);
        await using var app = RoleHost.Build(
            new Reader(topic),
            RoleHost.ReadConfiguration(null, new Dictionary<string, string?> { ["Kafka:Bootstrap"] = broker.Bootstrap })
        );
        await app.StartAsync();
        var url = app.Urls.First();
        await UntilReadyAsync(url);
        await broker.Running.AbortAsync();
        await UntilUnreadyAsync(url, $"Kafka at {broker.Bootstrap} does not answer");
        await broker.RestartAsync(abruptly: true);
        await UntilReadyAsync(url);
        await app.StopAsync();
    }

    private static Task<string> UntilReadyAsync(string url) => UntilAsync(url, (code, _) => code == 200);

    private static Task<string> UntilUnreadyAsync(string url, string because) =>
        UntilAsync(url, (code, text) => code == 503 && text.Contains(because, StringComparison.Ordinal));

    /// <summary>Asks for readiness until the answer is as wanted; fails with the last one.</summary>
    private static async Task<string> UntilAsync(string url, Func<int, string, bool> wanted)
    {
        for (var waited = Stopwatch.StartNew(); ; await Task.Delay(100))
        {
            var (code, text) = await AskAsync(url);
            if (wanted(code, text))
                return text;
            if (waited.Elapsed > AnswerTimeout)
                Assert.Fail($"The last answer was {code}: {text}");
        }
    }

    /// <summary>The status of readiness with its text; 0 while nobody answers.</summary>
    private static async Task<(int Code, string Text)> AskAsync(string url)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        try
        {
            using var answer = await http.GetAsync(new Uri(url + "/health/ready"));
            return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
        }
        catch (HttpRequestException)
        {
            return (0, "");
        }
    }

    /// <summary>A role that reads one topic.</summary>
    private sealed class Reader(Topic topic) : IRole
    {
        public string Name => "test";

        public string Summary => "a test";

        public void Configure(WebApplicationBuilder builder)
        {
            builder.Services.AddTopics(topic);
            builder.Services.AddEventConsumer(
                new ConsumerOptions($"g-{topic.Name}", [topic]),
                (_, _, _) => Task.CompletedTask
            );
        }

        public void Map(WebApplication app) { }
    }
}
