using System.Collections.Concurrent;
using System.Globalization;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Integration.Tests.Messaging;

/// <summary>
/// A topic of its own on a running broker, embedded or Apache Kafka, with the producers and consumers of one test.
/// </summary>
internal sealed class MessagingRig : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly DateTimeOffset Start = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly List<EventConsumer> consumers = [];

    private MessagingRig(string bootstrap, int partitions)
    {
        Kafka = new KafkaOptions { Bootstrap = bootstrap };
        // Kept for ever, because records of old event times would be removed at once.
        Topic = new Topic($"t-{Guid.NewGuid():N}", "resource", "tests", "tests", partitions, null);
        Producer = new EventProducer(Kafka, new TestRole(), NullLogger<EventProducer>.Instance);
    }

    public KafkaOptions Kafka { get; }

    public Topic Topic { get; }

    public string Group { get; } = $"g-{Guid.NewGuid():N}";

    public EventProducer Producer { get; }

    /// <summary>Makes the topic and the one of the dead letters.</summary>
    public static async Task<MessagingRig> StartAsync(string bootstrap, int partitions = 1)
    {
        var rig = new MessagingRig(bootstrap, partitions);
        await new TopicAdmin(rig.Kafka, NullLogger<TopicAdmin>.Instance).EnsureAsync(
            [rig.Topic, Topics.DeadLetters],
            CancellationToken.None
        );
        return rig;
    }

    /// <summary>The n-th message of a key.</summary>
    public static LoadMeasured Numbered(string key, int number) => new(key, Start, 1, number, "n");

    /// <summary>Publishes the numbers of a key and waits for the acknowledgement.</summary>
    public async Task PublishAsync(string key, params int[] numbers)
    {
        foreach (var number in numbers)
            await Producer.PublishAsync(Topic, key, Numbered(key, number), Start, CancellationToken.None);
    }

    /// <summary>Publishes <paramref name="each"/> numbers of many keys, interleaved.</summary>
    public Task PublishAsync(int keys, int each, int first = 0) =>
        Task.WhenAll(
            from number in Enumerable.Range(first, each)
            from key in Enumerable.Range(0, keys)
            select Producer.PublishAsync(Topic, $"k{key}", Numbered($"k{key}", number), Start, CancellationToken.None)
        );

    /// <summary>Publishes bytes as they are, as a stranger would.</summary>
    public void PublishRaw(string key, string? type, byte[]? value)
    {
        using var producer = new ProducerBuilder<byte[], byte[]>(Kafka.ProducerConfig("stranger")).Build();
        var headers = new Headers();
        if (type is not null)
            headers = CloudEvents.Headers(type, "/stranger", $"id-{key}", Start, null);
        producer.Produce(
            Topic.Name,
            new Message<byte[], byte[]>
            {
                Key = System.Text.Encoding.UTF8.GetBytes(key),
                Value = value!,
                Headers = headers,
                Timestamp = new Timestamp(Start),
            }
        );
        producer.Flush(Patience);
    }

    /// <summary>A consumer of the rig's group, not started.</summary>
    public EventConsumer Consumer(
        Func<ConsumedMessage, CancellationToken, Task> handle,
        Func<ConsumerOptions, ConsumerOptions>? configure = null,
        ILogger<EventConsumer>? logger = null
    )
    {
        var options = new ConsumerOptions(Group, [Topic])
        {
            RetryDelay = TimeSpan.FromMilliseconds(10),
            CommitInterval = TimeSpan.FromMilliseconds(100),
        };
        var consumer = new EventConsumer(
            configure?.Invoke(options) ?? options,
            handle,
            Kafka,
            Producer,
            new TestRole(),
            TimeProvider.System,
            logger ?? NullLogger<EventConsumer>.Instance,
            new Random(1)
        );
        consumers.Add(consumer);
        return consumer;
    }

    /// <summary>A consumer of the rig's group that has joined it.</summary>
    public async Task<EventConsumer> StartConsumerAsync(
        Func<ConsumedMessage, CancellationToken, Task> handle,
        Func<ConsumerOptions, ConsumerOptions>? configure = null,
        ILogger<EventConsumer>? logger = null
    )
    {
        var consumer = Consumer(handle, configure, logger);
        await consumer.StartAsync(CancellationToken.None);
        await Eventually.HoldsAsync(() => consumer.Trouble is null, "the consumer joins");
        return consumer;
    }

    /// <summary>What the group has committed of a partition; -1001 where nothing is.</summary>
    public long Committed() => Committed(0);

    /// <inheritdoc cref="Committed()"/>
    public long Committed(int partition)
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(Kafka.ConsumerConfig("look", Group)).Build();
        return consumer.Committed([new TopicPartition(Topic.Name, partition)], Patience).Single().Offset.Value;
    }

    /// <summary>Reads the dead letters of this rig's topic until there are so many.</summary>
    public Task<List<RecordDeadLettered>> LettersAsync(int count) =>
        Task.Run(() =>
            Read(
                Topics.DeadLetters.Name,
                Topics.DeadLetters.Partitions,
                record => (RecordDeadLettered)MessageTypes.Read("dead.letter.v1", record.Message.Value),
                letter => letter.Topic == Topic.Name,
                count
            )
        );

    /// <summary>Reads the numbered messages of the topic until there are so many, in partition order.</summary>
    public Task<List<LoadMeasured>> MessagesAsync(int count) =>
        Task.Run(() =>
            Read(
                Topic.Name,
                Topic.Partitions,
                record => (LoadMeasured)MessageTypes.Read("traffic.load-measured.v1", record.Message.Value),
                _ => true,
                count
            )
        );

    /// <summary>The same as the records that they are.</summary>
    public Task<List<ConsumeResult<byte[], byte[]>>> RecordsAsync(int count) =>
        Task.Run(() => Read(Topic.Name, Topic.Partitions, record => record, _ => true, count));

    public async ValueTask DisposeAsync()
    {
        foreach (var consumer in consumers)
        {
            await consumer.StopAsync(CancellationToken.None);
            consumer.Dispose();
        }

        Producer.Dispose();
    }

    private List<T> Read<T>(
        string topic,
        int partitions,
        Func<ConsumeResult<byte[], byte[]>, T> read,
        Func<T, bool> mine,
        int count
    )
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(
            Kafka.ConsumerConfig("read", $"read-{Guid.NewGuid():N}")
        ).Build();
        consumer.Assign(
            Enumerable
                .Range(0, partitions)
                .Select(partition => new TopicPartitionOffset(topic, partition, Offset.Beginning))
        );
        var found = new List<T>();
        var started = TimeProvider.System.GetTimestamp();
        while (found.Count < count)
        {
            if (TimeProvider.System.GetElapsedTime(started) > Patience)
                Assert.Fail($"Only {found.Count} of {count} records of '{topic}' came.");
            if (consumer.Consume(TimeSpan.FromMilliseconds(100)) is not { } record)
                continue;
            if (read(record) is { } value && mine(value))
                found.Add(value);
        }

        return found;
    }
}

/// <summary>What consumers of one group handled, per key, with repeats.</summary>
internal sealed class Handled
{
    private readonly ConcurrentDictionary<string, List<int>> byKey = new(StringComparer.Ordinal);
    private int count;

    public int Count => Volatile.Read(ref count);

    /// <summary>Deliveries beyond the first of each message.</summary>
    public int Repeats => byKey.Values.Sum(numbers => numbers.Count - numbers.Distinct().Count());

    /// <summary>Different messages so far.</summary>
    public int Distinct =>
        byKey.Values.Sum(numbers =>
        {
            lock (numbers)
                return numbers.Distinct().Count();
        });

    public void Add(ConsumedMessage message)
    {
        var numbers = byKey.GetOrAdd(message.Key, _ => []);
        lock (numbers)
            numbers.Add((int)((LoadMeasured)message.Message).Value);
        Interlocked.Increment(ref count);
    }

    /// <summary>
    /// Every number of every key is there, and a number comes for the first time only after all numbers before it.
    /// </summary>
    public void AssertCompleteAndInOrder(int keys, int each)
    {
        Assert.Equal(keys, byKey.Count);
        foreach (var (key, numbers) in byKey)
        {
            var next = 0;
            foreach (var number in numbers)
            {
                Assert.True(
                    number <= next,
                    string.Create(CultureInfo.InvariantCulture, $"{key}: {number} came before {next}")
                );
                if (number == next)
                    next++;
            }

            Assert.Equal(each, next);
        }
    }
}

/// <summary>Waits on conditions.</summary>
internal static class Eventually
{
    public static Task HoldsAsync(Func<bool> condition, string what) =>
        HoldsAsync(() => Task.FromResult(condition()), what);

    public static async Task HoldsAsync(Func<Task<bool>> condition, string what)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(started) > MessagingRig.Patience)
                Assert.Fail($"In {MessagingRig.Patience} it did not come about that {what}.");
            await Task.Delay(20);
        }
    }
}

/// <summary>Keeps what is logged.</summary>
internal sealed class Lines<T> : ILogger<T>
{
    private readonly ConcurrentQueue<string> lines = new();

    public IEnumerable<string> All => lines;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter
    ) => lines.Enqueue($"{logLevel}: {formatter(state, exception)}");
}

/// <summary>Stands for the role that owns the clients.</summary>
internal sealed class TestRole : IRole
{
    public string Name => "test";

    public string Summary => "a test";

    public void Configure(WebApplicationBuilder builder) { }

    public void Map(WebApplication app) { }
}
