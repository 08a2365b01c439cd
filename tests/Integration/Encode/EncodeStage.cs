using System.Collections.Concurrent;
using System.Diagnostics;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Integration.Tests.Encode;

/// <summary>
/// A broker, a PostgreSQL schema and a media folder, on which planner and workers are started as their roles.
/// </summary>
public sealed class EncodeStage : IAsyncDisposable
{
    private readonly List<WebApplication> running = [];
    private readonly CancellationTokenSource stop = new();
    private readonly ConcurrentQueue<(string EventId, IMessage Message)> records = new();
    private Task listening = Task.CompletedTask;

    private EncodeStage(TestBroker broker, Dictionary<string, string?> settings) =>
        (Broker, Settings) = (broker, settings);

    public EncodeRig Rig { get; } = new();

    public TestBroker Broker { get; }

    public Dictionary<string, string?> Settings { get; }

    /// <summary>Every committed record of the encode topics, and of load, so far.</summary>
    public IReadOnlyCollection<(string EventId, IMessage Message)> Records => records;

    public static async Task<EncodeStage> StartAsync()
    {
        var postgres = await PostgresFixture.OptionsAsync("encode");
        var broker = await TestBroker.StartAsync();
        var stage = new EncodeStage(
            broker,
            new Dictionary<string, string?>(TestKeys.Pairs, StringComparer.Ordinal)
            {
                ["Kafka:Bootstrap"] = broker.Bootstrap,
                ["Postgres:ConnectionString"] = postgres.ConnectionString,
                ["Postgres:MasterKeyFile"] = PostgresFixture.MasterKeyFile.Value,
                ["Postgres:SchemaPrefix"] = postgres.Schema + "_",
                ["Encode:Preset"] = "ultrafast",
                ["Encode:Threads"] = "1",
                ["Listen:encode"] = "http://127.0.0.1:0",
            }
        );
        stage.Settings["Media:Root"] = stage.Rig.MediaRoot;
        stage.Settings["Encode:WorkFolder"] = Path.Combine(stage.Rig.Folder, "work");
        return stage;
    }

    /// <summary>
    /// The messages of a type. Workers report at least once, under the same id; a report counts once.
    /// </summary>
    public IEnumerable<T> Of<T>() =>
        records
            .Where(record => record.Message is T)
            .DistinctBy(record => record.EventId)
            .Select(record => (T)record.Message);

    public async Task<WebApplication> PlannerAsync(bool listen = true)
    {
        var app = await RunAsync(new EncodePlannerRole(), []);
        if (listen)
            Listen();
        return app;
    }

    /// <summary>Begins to read the encode topics, which exist.</summary>
    public void Listen() => listening = Task.Run(ReadTopics);

    /// <summary>Stops the roles that run in this process.</summary>
    public async Task StopRolesAsync()
    {
        foreach (var app in Enumerable.Reverse(running))
        {
            await app.StopAsync();
            await app.DisposeAsync();
        }

        running.Clear();
    }

    /// <summary>A role as a process of its own, which can be killed.</summary>
    public Process StartProcess(string role, params (string Name, string Value)[] more)
    {
        var start = new ProcessStartInfo(
            "dotnet",
            [Path.Combine(AppContext.BaseDirectory, "eventstream.dll"), "run", role]
        )
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in Settings.Select(pair => (pair.Key, pair.Value!)).Concat(more))
            start.Environment[$"EVENTSTREAM__{name.Replace(":", "__", StringComparison.Ordinal)}"] = value;
        var process = Process.Start(start)!;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    public Task<WebApplication> WorkerAsync(string id, string? ffmpeg = null) =>
        RunAsync(
            new EncodeWorkerRole(),
            new() { ["Encode:WorkerId"] = id, ["Tools:ffmpeg"] = ffmpeg ?? EncodeRig.Ffmpeg }
        );

    /// <summary>Publishes as another role would.</summary>
    public static Task PublishAsync(WebApplication from, Topic topic, VideoId key, IMessage message) =>
        from
            .Services.GetRequiredService<IEventPublisher>()
            .PublishAsync(topic, key.ToString(), message, TimeProvider.System.GetUtcNow(), CancellationToken.None);

    public static HttpClient Client(WebApplication app) => TestKeys.Client(TestKeys.Analyst, app.Urls.First());

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await listening;
        await StopRolesAsync();
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

    private void ReadTopics()
    {
        var config = new KafkaOptions { Bootstrap = Broker.Bootstrap }.ConsumerConfig(
            "test",
            $"test-{Guid.NewGuid():N}"
        );
        using var consumer = new ConsumerBuilder<byte[], byte[]>(config).Build();
        consumer.Assign(
            from topic in (Topic[])
                [Topics.EncodeEvents, Topics.EncodeCommandsFirst, Topics.EncodeCommands, Topics.TrafficLoad]
            from partition in Enumerable.Range(0, topic.Partitions)
            select new TopicPartitionOffset(topic.Name, partition, Offset.Beginning)
        );
        while (!stop.IsCancellationRequested)
        {
            if (consumer.Consume(TimeSpan.FromMilliseconds(100)) is not { } record)
                continue;
            var type = CloudEvents.Text(record.Message.Headers, CloudEvents.Type)!;
            records.Enqueue(
                (
                    CloudEvents.Text(record.Message.Headers, CloudEvents.Id)!,
                    MessageTypes.Read(type, record.Message.Value)
                )
            );
        }

        consumer.Close();
    }
}
