using Confluent.Kafka;
using Confluent.Kafka.Admin;
using EventStream.Embedded.Broker;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging;

namespace EventStream.Embedded.Tests.Integration.Broker;

/// <summary>
/// A disk that is full gives clear errors, loses nothing, and the broker goes on when there is room again.
/// </summary>
[Trait("Category", "Integration")]
public sealed class FullDiskTests : IAsyncLifetime
{
    private const string Topic = "full";
    private readonly SmallDisk? disk = SmallDisk.IsPossible ? SmallDisk.Mount(megabytes: 16) : null;
    private readonly Said said = new();
    private DevBroker? broker;

    private string Bootstrap => broker!.Bootstrap;

    [SmallDiskFact]
    public async Task Producers_are_told_and_the_log_goes_on_cleanly_when_there_is_room()
    {
        await CreateTopicAsync(Topic);
        using var producer = Producer();
        var value = new string('v', 20_000);
        var acknowledged = new List<string>();
        for (var i = 0; i < 20; i++)
        {
            await producer.ProduceAsync(Topic, Message(i, value));
            acknowledged.Add($"{i}");
        }

        disk!.Fill();
        using (var impatient = Producer(c => (c.EnableIdempotence, c.MessageSendMaxRetries) = (false, 0)))
        {
            var refused = await Assert.ThrowsAsync<ProduceException<string, string>>(() =>
                impatient.ProduceAsync(Topic, Message(-1, value))
            );
            Assert.Equal(ErrorCode.KafkaStorageError, refused.Error.Code);
        }

        Assert.Contains(
            said.Lines,
            line =>
                line.Contains(disk.Folder, StringComparison.Ordinal)
                && line.Contains("free space", StringComparison.Ordinal)
        );
        Assert.Equal(1, broker!.FailingPartitions);
        var waiting = producer.ProduceAsync(Topic, Message(20, value));
        disk.Free();
        await waiting;
        Assert.Equal(0, broker.FailingPartitions);
        acknowledged.Add("20");
        Assert.Contains(said.Lines, line => line.Contains("written again", StringComparison.Ordinal));
        Assert.Equal(acknowledged, Keys());
        await RestartAsync();
        Assert.Equal(acknowledged, Keys());
        Assert.DoesNotContain(said.Lines, line => line.Contains("torn", StringComparison.Ordinal));
    }

    [SmallDiskFact]
    public async Task The_role_says_so_where_its_readiness_is_asked_for()
    {
        var port = FreePort.Next();
        await using var role = await EventStreamProcess.StartAsync(
            "broker",
            ("Broker:DataFolder", Path.Combine(disk!.Folder, "role")),
            ("Broker:Port", $"{port}")
        );
        await CreateTopicAsync(Topic, $"127.0.0.1:{port}");
        using var producer = Producer(c => c.BootstrapServers = $"127.0.0.1:{port}");
        await producer.ProduceAsync(Topic, Message(0, "first"));
        disk.Fill();
        var waiting = producer.ProduceAsync(Topic, Message(1, new string('v', 20_000)));
        using var http = new HttpClient();
        var health = "";
        await Wait.UntilAsync(
            "the full disk is told",
            async () =>
                (health = await http.GetStringAsync(new Uri(role.Url + "/health/ready"))).StartsWith(
                    "Degraded",
                    StringComparison.Ordinal
                )
        );
        Assert.Contains("The disk refuses records of 1 partitions; free space under", health, StringComparison.Ordinal);
        disk.Free();
        await waiting;
        Assert.StartsWith("Healthy", await http.GetStringAsync(new Uri(role.Url + "/health/ready")));
    }

    [SmallDiskFact]
    public async Task Topics_offsets_and_transactions_are_refused_whole_and_work_again_when_there_is_room()
    {
        await CreateTopicAsync(Topic);
        using var transactional = Producer(c => c.TransactionalId = "tx");
        transactional.InitTransactions(Clients.Patience);
        transactional.BeginTransaction();
        await transactional.ProduceAsync(Topic, Message(1, "in the transaction"));
        using var consumer = Clients.Consumer(Bootstrap, "g");
        disk!.Fill();
        // What little is left in the last block of each file may still take a small record or two.
        await EventuallyRefusedAsync(i => CreateTopicAsync($"more-{i}"));
        await EventuallyRefusedAsync(i =>
        {
            consumer.Commit([new TopicPartitionOffset(Topic, 0, i)]);
            return Task.CompletedTask;
        });
        var committing = Task.Run(() => transactional.CommitTransaction(TimeSpan.FromSeconds(60)));
        disk.Free();
        await committing;
        consumer.Commit([new TopicPartitionOffset(Topic, 0, 77)]);
        await CreateTopicAsync("after");
        await RestartAsync();
        Assert.Equal(["1"], Keys());
        Assert.Equal(77, consumer.Committed([new TopicPartition(Topic, 0)], Clients.Patience)[0].Offset.Value);
        using var admin = Admin();
        Assert.Contains(
            admin.GetMetadata(Clients.Patience).Topics,
            topic => topic.Topic == "after" && topic.Partitions.Count == 1
        );
    }

    public async Task InitializeAsync()
    {
        if (disk is not null)
            broker = await StartAsync(0);
    }

    public async Task DisposeAsync()
    {
        if (broker is not null)
            await broker.StopAsync();
        disk?.Dispose();
    }

    private Task<DevBroker> StartAsync(int port) =>
        DevBroker.StartAsync(
            new BrokerOptions { DataFolder = Path.Combine(disk!.Folder, "data"), Port = port },
            said,
            CancellationToken.None
        );

    private async Task RestartAsync()
    {
        var port = broker!.Port;
        await broker.StopAsync();
        broker = await StartAsync(port);
    }

    private async Task CreateTopicAsync(string name, string? bootstrap = null)
    {
        using var admin = Admin(bootstrap);
        await admin.CreateTopicsAsync([
            new()
            {
                Name = name,
                NumPartitions = 1,
                ReplicationFactor = 1,
            },
        ]);
    }

    private static async Task EventuallyRefusedAsync(Func<int, Task> attempt)
    {
        const int AttemptsMax = 1000;
        for (var i = 0; i < AttemptsMax; i++)
        {
            try
            {
                await attempt(i);
            }
            catch (CreateTopicsException e)
            {
                Assert.Equal(ErrorCode.KafkaStorageError, e.Results[0].Error.Code);
                return;
            }
            catch (KafkaException e)
            {
                Assert.Equal(ErrorCode.GroupCoordinatorNotAvailable, e.Error.Code);
                return;
            }
        }

        Assert.Fail("The full disk took everything.");
    }

    private List<string> Keys() =>
        [.. Clients.ReadAll(Bootstrap, Topic, 1, IsolationLevel.ReadCommitted).Select(r => r.Message.Key)];

    private static Message<string, string> Message(int key, string value) => new() { Key = $"{key}", Value = value };

    private IAdminClient Admin(string? bootstrap = null) =>
        new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrap ?? Bootstrap })
            .SetLogHandler((_, _) => { })
            .Build();

    private IProducer<string, string> Producer(Action<ProducerConfig>? configure = null)
    {
        var config = new ProducerConfig
        {
            BootstrapServers = Bootstrap,
            EnableIdempotence = true,
            LingerMs = 1,
            MessageTimeoutMs = 60_000,
        };
        configure?.Invoke(config);
        return new ProducerBuilder<string, string>(config).SetLogHandler((_, _) => { }).Build();
    }

    /// <summary>What the broker wrote to its log.</summary>
    private sealed class Said : ILogger
    {
        private readonly System.Collections.Concurrent.ConcurrentQueue<string> lines = new();

        public IReadOnlyCollection<string> Lines => lines;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => lines.Enqueue(formatter(state, exception));
    }
}
