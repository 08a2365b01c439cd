using System.Collections.Concurrent;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Tests.Integration.Encode;

/// <summary>
/// A broker, a PostgreSQL schema and a media folder, on which planner and workers are started as their roles.
/// </summary>
public sealed class EncodeStage : IAsyncDisposable
{
    private readonly List<WebApplication> running = [];
    private readonly CancellationTokenSource stop = new();
    private readonly ConcurrentQueue<(string EventId, IMessage Message)> heard = new();
    private Task listening = Task.CompletedTask;

    private EncodeStage(TestBroker broker, Dictionary<string, string?> settings) =>
        (Broker, Settings) = (broker, settings);

    public EncodeRig Rig { get; } = new();

    public TestBroker Broker { get; }

    public Dictionary<string, string?> Settings { get; }

    /// <summary>Every record of encode.events so far.</summary>
    public IEnumerable<(string EventId, IMessage Message)> Heard => heard;

    public static async Task<EncodeStage> StartAsync()
    {
        var postgres = await PostgresFixture.OptionsAsync("encode");
        var broker = await TestBroker.StartAsync();
        var stage = new EncodeStage(broker, new Dictionary<string, string?>(TestKeys.Pairs, StringComparer.Ordinal)
        {
            ["Kafka:Bootstrap"] = broker.Bootstrap,
            ["Postgres:ConnectionString"] = postgres.ConnectionString,
            ["Postgres:MasterKeyFile"] = PostgresFixture.MasterKeyFile.Value,
            ["Postgres:Schema"] = postgres.Schema,
            ["Encode:Preset"] = "ultrafast",
            ["Encode:Threads"] = "1",
            ["Listen:encode"] = "http://127.0.0.1:0",
        });
        stage.Settings["Media:Root"] = stage.Rig.MediaRoot;
        stage.Settings["Encode:WorkFolder"] = Path.Combine(stage.Rig.Folder, "work");
        return stage;
    }

    /// <summary>
    /// The facts of a type. Delivery is at least once, so a fact may be heard again, under the same id; it counts once.
    /// </summary>
    public IEnumerable<T> Of<T>() =>
        heard.Where(h => h.Message is T).DistinctBy(h => h.EventId).Select(h => (T)h.Message);

    public async Task<WebApplication> PlannerAsync()
    {
        var app = await RunAsync(new EncodePlannerRole(), []);
        listening = Task.Run(Listen);
        return app;
    }

    public Task<WebApplication> WorkerAsync(string id, string? ffmpeg = null) => RunAsync(
        new EncodeWorkerRole(), new() { ["Encode:WorkerId"] = id, ["Tools:ffmpeg"] = ffmpeg ?? EncodeRig.Ffmpeg });

    /// <summary>Publishes as another role would.</summary>
    public static Task PublishAsync(WebApplication from, Topic topic, VideoId key, IMessage message) =>
        from.Services.GetRequiredService<IEventPublisher>().PublishAsync(
            topic, key.ToString(), message, TimeProvider.System.GetUtcNow(), CancellationToken.None);

    public static HttpClient Client(WebApplication app) => TestKeys.Client(TestKeys.Analyst, app.Urls.First());

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await listening;
        foreach (var app in Enumerable.Reverse(running))
        {
            await app.StopAsync();
            await app.DisposeAsync();
        }

        await Broker.DisposeAsync();
        Rig.Dispose();
        stop.Dispose();
    }

    private async Task<WebApplication> RunAsync(IRole role, Dictionary<string, string?> more)
    {
        var app = RoleHost.Build(role, RoleHost.ReadConfiguration(null, Settings.Concat(more)));
        running.Add(app);
        await app.StartAsync();
        return app;
    }

    private void Listen()
    {
        var config =
            new KafkaOptions { Bootstrap = Broker.Bootstrap }.ConsumerConfig("test", $"test-{Guid.NewGuid():N}");
        using var consumer = new ConsumerBuilder<byte[], byte[]>(config).Build();
        consumer.Assign(Enumerable.Range(0, Topics.EncodeEvents.Partitions)
            .Select(i => new TopicPartitionOffset(Topics.EncodeEvents.Name, i, Offset.Beginning)));
        while (!stop.IsCancellationRequested)
        {
            if (consumer.Consume(TimeSpan.FromMilliseconds(100)) is not { } record) continue;
            var type = CloudEvents.Text(record.Message.Headers, CloudEvents.Type)!;
            heard.Enqueue((
                CloudEvents.Text(record.Message.Headers, CloudEvents.Id)!,
                MessageTypes.Read(type, record.Message.Value)));
        }

        consumer.Close();
    }
}
