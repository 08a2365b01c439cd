using System.Text;
using Confluent.Kafka;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker.Differential;

/// <summary>
/// The broker that a scenario is played on, under names that no other run has, and the transcript of what the clients
/// saw there. Transcripts name topics, groups and ids as the script does, so that those of two brokers are comparable.
/// </summary>
internal sealed class World(string bootstrap, Wire wire) : IDisposable
{
    private readonly string _run = $"d{Guid.NewGuid():N}"[..12] + "-";
    private readonly List<string> _transcript = [];
    private readonly List<Wire> _others = [];

    public string Bootstrap { get; } = bootstrap;

    /// <summary>The connection of a scenario that needs only one.</summary>
    public Wire Wire { get; } = wire;

    public IReadOnlyList<string> Transcript => _transcript;

    /// <summary>
    /// Connects and, as every client does before it speaks of groups and transactions, looks for their coordinators:
    /// Apache Kafka has none before somebody asks for one.
    /// </summary>
    public static async Task<World> OpenAsync(string bootstrap)
    {
        var wire = await Wire.ConnectAsync(bootstrap);
        Assert.Equal("NoError", await wire.FindCoordinatorAsync(Wire.CoordinatorOf.Group));
        Assert.Equal("NoError", await wire.FindCoordinatorAsync(Wire.CoordinatorOf.Transaction));
        return new World(bootstrap, wire);
    }

    /// <summary>A further connection, closed with the world.</summary>
    public async Task<Wire> ConnectAsync()
    {
        var other = await Wire.ConnectAsync(Bootstrap);
        _others.Add(other);
        return other;
    }

    /// <summary>The name on the broker of what the script calls so: a topic, a group, a transactional id.</summary>
    public string Name(string called) => _run + called;

    /// <summary>Writes down one observation.</summary>
    public void Saw(string step, object? what) =>
        _transcript.Add($"{step}: {what}".Replace(_run, "", StringComparison.Ordinal));

    /// <summary>
    /// Makes a topic, waits until it can be used, and returns its name. Scripts write records of 1970, so that it keeps
    /// them for ever unless the script speaks of retention.
    /// </summary>
    public Task<string> TopicAsync(string called, int partitions = 1, params (string Name, string? Value)[] configs) =>
        Array.Exists(configs, c => c.Name.StartsWith("retention", StringComparison.Ordinal))
            ? PlainTopicAsync(called, partitions, configs)
            : PlainTopicAsync(called, partitions, [.. configs, ("retention.ms", "-1")]);

    /// <summary>Makes a topic that is configured as the script says and no more.</summary>
    public async Task<string> PlainTopicAsync(
        string called,
        int partitions = 1,
        params (string Name, string? Value)[] configs
    )
    {
        var made = await Wire.CreateTopicAsync(Name(called), partitions, configs: configs);
        Assert.StartsWith("NoError", made, StringComparison.Ordinal);
        await UntilUsableAsync(Name(called), partitions);
        return Name(called);
    }

    /// <summary>Waits until every partition of a topic has a leader and answers.</summary>
    public Task UntilUsableAsync(string topic, int partitions) =>
        Wait.UntilAsync(
            $"{topic} can be used",
            async () =>
            {
                var (code, _, count, hasLeaders) = await Wire.MetadataAsync(topic);
                var usable = code == 0 && count == partitions && hasLeaders;
                for (var i = 0; usable && i < partitions; i++)
                {
                    usable = (await Wire.ListOffsetsAsync(topic, -1, partition: i)).Code == 0;
                }
                return usable;
            }
        );

    public IProducer<string?, string?> Producer(Action<ProducerConfig>? configure = null)
    {
        var config = new ProducerConfig
        {
            BootstrapServers = Bootstrap,
            EnableIdempotence = true,
            LingerMs = 0,
            MessageTimeoutMs = 30_000,
        };
        configure?.Invoke(config);
        return new ProducerBuilder<string?, string?>(config)
            .SetKeySerializer(Text.Instance)
            .SetValueSerializer(Text.Instance)
            .SetLogHandler((_, _) => { })
            .Build();
    }

    public IConsumer<string?, string?> Consumer(string group, Action<ConsumerConfig>? configure = null)
    {
        var config = new ConsumerConfig
        {
            BootstrapServers = Bootstrap,
            GroupId = group,
            AutoOffsetReset = AutoOffsetReset.Earliest,
            EnableAutoCommit = false,
            EnablePartitionEof = true,
            FetchWaitMaxMs = 50,
            HeartbeatIntervalMs = 200,
            SessionTimeoutMs = 10_000,
        };
        configure?.Invoke(config);
        return new ConsumerBuilder<string?, string?>(config)
            .SetKeyDeserializer(Text.Instance)
            .SetValueDeserializer(Text.Instance)
            .SetLogHandler((_, _) => { })
            .Build();
    }

    /// <summary>What a consumer sees of a partition from an offset to its end.</summary>
    public List<ConsumeResult<string?, string?>> Read(
        string topic,
        long from = 0,
        IsolationLevel isolation = IsolationLevel.ReadCommitted,
        int partition = 0,
        Action<ConsumerConfig>? configure = null
    )
    {
        using var consumer = Consumer(
            Name("reader"),
            c =>
            {
                c.IsolationLevel = isolation;
                configure?.Invoke(c);
            }
        );
        consumer.Assign(new TopicPartitionOffset(topic, partition, from));
        var records = new List<ConsumeResult<string?, string?>>();
        for (var clock = System.Diagnostics.Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(60); )
        {
            var result = consumer.Consume(TimeSpan.FromMilliseconds(200));
            if (result is { IsPartitionEOF: true })
            {
                return records;
            }
            if (result is not null)
            {
                records.Add(result);
            }
        }
        throw new TimeoutException($"{topic} did not come to an end.");
    }

    /// <summary>The same in one line: offset, key and value of each record.</summary>
    public string Visible(string topic, IsolationLevel isolation = IsolationLevel.ReadCommitted, int partition = 0) =>
        string.Join(
            ", ",
            Read(topic, 0, isolation, partition)
                .Select(r => $"{r.Offset.Value} {r.Message.Key ?? "null"}={r.Message.Value ?? "null"}")
        );

    public void Dispose()
    {
        Wire.Dispose();
        _others.ForEach(other => other.Dispose());
    }

    /// <summary>Strings of which null is one.</summary>
    private sealed class Text : ISerializer<string?>, IDeserializer<string?>
    {
        public static readonly Text Instance = new();

        public byte[] Serialize(string? data, SerializationContext context) =>
            data is null ? null! : Encoding.UTF8.GetBytes(data);

        public string? Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context) =>
            isNull ? null : Encoding.UTF8.GetString(data);
    }
}
