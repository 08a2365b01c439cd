using Confluent.Kafka;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// A consumer loop: records of a partition are handled in order, partitions beside each other, offsets committed after
/// processing. A full partition is paused instead of queued without bound, and polling never waits for a handler, so
/// that long work does not cost the membership in the group.
/// </summary>
/// <remarks>
/// A partition that goes to another member is drained first: what is in hand ends, its offset is committed, and only
/// then it is given up; the other partitions are worked on meanwhile. What was read and not begun is left to the next
/// member. A record is delivered again only when its handler was cancelled, failed to end in time, or when the process
/// ended before the next commit.
/// </remarks>
public sealed partial class EventConsumer : BackgroundService
{
    private static readonly TimeSpan PollTimeout = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ReopenDelay = TimeSpan.FromSeconds(1);

    /// <summary>Records after which full and failed partitions are looked at, also while more come.</summary>
    private const int RegulateEvery = 64;

    private readonly ConsumerOptions options;
    private readonly KafkaOptions kafka;
    private readonly RecordHandler handler;
    private readonly HeldPartitions held;
    private readonly TimeProvider clock;
    private readonly ILogger<EventConsumer> logger;
    private readonly string clientId;
    private readonly TaskCompletionSource caughtUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private HashSet<TopicPartition> unread = [];

    public EventConsumer(
        ConsumerOptions options,
        Func<ConsumedMessage, CancellationToken, Task> handle,
        KafkaOptions kafka,
        EventProducer producer,
        IClientName client,
        TimeProvider clock,
        ILogger<EventConsumer> logger,
        Random? random = null
    )
    {
        (this.options, this.kafka, this.clock, this.logger) = (options, kafka, clock, logger);
        clientId = $"eventstream-{client.Name}";
        handler = new RecordHandler(
            options,
            handle,
            new DeadLetters(producer, clock, logger),
            clock,
            random ?? new Random(),
            logger
        );
        held = new HeldPartitions(options, handler.ProcessAsync, clock, logger);
        ConsumerMetrics.Add(this);
    }

    /// <summary>
    /// With <see cref="ConsumerOptions.FromBeginning"/>: ends when what was there at the start is processed.
    /// </summary>
    public Task CaughtUp => caughtUp.Task;

    /// <summary>Why the consumer is not doing its work, or null while it is.</summary>
    public string? Trouble { get; private set; } = "the consumer is starting";

    /// <summary>
    /// Records of each partition in hand that are not processed yet, as of the last commit round.
    /// </summary>
    public IReadOnlyList<PartitionLag> Lags => held.Lags;

    /// <summary>The consumer group.</summary>
    public string Group => options.Group;

    public override void Dispose()
    {
        ConsumerMetrics.Remove(this);
        base.Dispose();
        handler.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Leaves the caller's thread: polling blocks.
        await Task.Factory.StartNew(
            () => PollUntilStopped(stoppingToken),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );
    }

    private void PollUntilStopped(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                PollOnce(stopping);
            }
            catch (BadRecordException e)
            {
                Trouble = e.Message;
                Stopped(logger, e, options.Group);
                return;
            }
            catch (Exception e) when (!stopping.IsCancellationRequested)
            {
                Trouble = e.Message;
                Reopening(logger, options.Group, e.Message);
                stopping.WaitHandle.WaitOne(ReopenDelay);
            }
        }

        Trouble ??= "the consumer has stopped";
    }

    /// <summary>One life of a client: opened, polled until something ends it, closed in good order.</summary>
    private void PollOnce(CancellationToken stopping)
    {
        var consumer = Open();
        try
        {
            Start(consumer);
            Poll(consumer, stopping);
        }
        finally
        {
            held.Close(consumer);
        }
    }

    private IConsumer<byte[], byte[]> Open()
    {
        var config = kafka.ConsumerConfig(clientId, options.Group);
        config.EnablePartitionEof = options.FromBeginning;
        return new ConsumerBuilder<byte[], byte[]>(config)
            .SetLogHandler((_, message) => ClientMessage(logger, message.Message))
            .SetErrorHandler((_, error) => ClientError(logger, options.Group, error.Reason))
            .SetPartitionsAssignedHandler((_, assigned) => Take(assigned))
            .SetPartitionsRevokedHandler(
                (consumer, revoked) => held.GiveUp(consumer, revoked.ConvertAll(p => p.TopicPartition))
            )
            .SetPartitionsLostHandler((_, lost) => held.Drop(lost.ConvertAll(p => p.TopicPartition)))
            .Build();
    }

    private void Take(List<TopicPartition> assigned)
    {
        Trouble = null;
        Taking(logger, options.Group, assigned.Count, string.Join(", ", assigned));
    }

    private void Start(IConsumer<byte[], byte[]> consumer)
    {
        if (!options.FromBeginning)
        {
            consumer.Subscribe(options.Topics.Select(topic => topic.Name));
            return;
        }

        var whole = WholeTopics.Find(consumer, options);
        unread = whole.Unread;
        consumer.Assign(whole.Starts);
        Trouble = null;
        NoteCaughtUp();
    }

    private void Poll(IConsumer<byte[], byte[]> consumer, CancellationToken stopping)
    {
        var lastCommit = clock.GetTimestamp();
        var sinceRegulated = 0;
        while (!stopping.IsCancellationRequested)
        {
            var record = Consume(consumer);
            if (record?.Message is not null)
            {
                Trouble = null;
                held.Add(consumer, record);
            }
            else if (record?.IsPartitionEOF == true)
            {
                unread.Remove(record.TopicPartition);
            }

            if (record is not null && record.IsPartitionEOF == false && ++sinceRegulated < RegulateEvery)
                continue;
            sinceRegulated = 0;
            held.Regulate(consumer);
            NoteCaughtUp();
            if (clock.GetElapsedTime(lastCommit) < options.CommitInterval)
                continue;
            held.Commit(consumer);
            held.Measure(consumer);
            lastCommit = clock.GetTimestamp();
        }
    }

    private ConsumeResult<byte[], byte[]>? Consume(IConsumer<byte[], byte[]> consumer)
    {
        try
        {
            return consumer.Consume(PollTimeout);
        }
        catch (ConsumeException e) when (!e.Error.IsFatal)
        {
            // The client goes on by itself, for example when a topic is there at last.
            Trouble = e.Error.Reason;
            ReadFailed(logger, options.Group, e.Error.Reason);
            return null;
        }
    }

    private void NoteCaughtUp()
    {
        // The end is taken from the broker's word, since control records take offsets without being delivered.
        if (options.FromBeginning && unread.Count == 0 && !caughtUp.Task.IsCompleted && held.IsIdle)
            caughtUp.TrySetResult();
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Kafka: {Text}")]
    private static partial void ClientMessage(ILogger logger, string text);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Group}: Kafka: {Reason}")]
    private static partial void ClientError(ILogger logger, string group, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Group}: takes {Count} partitions: {Partitions}")]
    private static partial void Taking(ILogger logger, string group, int count, string partitions);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Group}: reading failed and goes on: {Reason}")]
    private static partial void ReadFailed(ILogger logger, string group, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Group}: opening the consumer again: {Reason}")]
    private static partial void Reopening(ILogger logger, string group, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Group}: the consumer stopped")]
    private static partial void Stopped(ILogger logger, Exception e, string group);
}
