using Confluent.Kafka;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// A consumer loop: records of a partition are handled in order (of the partition, or of each key where
/// <see cref="ConsumerOptions.KeyConcurrencyMax"/> allows), partitions beside each other, offsets committed after
/// processing. A full partition is paused instead of queued without bound, and polling never waits for a handler, so
/// that long work does not cost the membership in the group.
/// </summary>
/// <remarks>
/// A partition that goes to another member is drained first: what is in hand ends, its offsets are committed, and only
/// then it is given up; the other partitions are worked on meanwhile. What was read and not begun is left to the next
/// member. A record is delivered again only when its handler was cancelled, failed to end in time, or when the process
/// ended before the next commit.
/// </remarks>
public sealed partial class EventConsumer : BackgroundService
{
    private static readonly TimeSpan PollTimeout = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ReopenDelay = TimeSpan.FromSeconds(1);

    /// <summary>How long a full partition holds up polling before it is paused, which costs what is fetched.</summary>
    private static readonly TimeSpan RoomWait = TimeSpan.FromMilliseconds(20);

    /// <summary>Time that a cancelled handler has to end.</summary>
    private static readonly TimeSpan CancelGrace = TimeSpan.FromSeconds(2);

    /// <summary>Time that the broker has for a last commit, and for leaving the group.</summary>
    private static readonly TimeSpan LeaveTimeout = TimeSpan.FromSeconds(3);

    private readonly ConsumerOptions options;
    private readonly KafkaOptions kafka;
    private readonly RecordHandler handler;
    private readonly TimeProvider clock;
    private readonly ILogger<EventConsumer> logger;
    private readonly string clientId;
    private readonly Dictionary<TopicPartition, PartitionWork> works = [];
    private readonly TaskCompletionSource caughtUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IReadOnlyList<PartitionLag> lags = [];
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
        (this.options, this.kafka, this.clock, this.logger) = (ConsumerOptions.Checked(options), kafka, clock, logger);
        clientId = $"eventstream-{client.Name}";
        handler = new RecordHandler(
            options,
            handle,
            new DeadLetters(producer, clock, logger),
            clock,
            random ?? new Random(),
            logger
        );
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
    public IReadOnlyList<PartitionLag> Lags => Volatile.Read(ref lags);

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
            Close(consumer);
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
                (consumer, revoked) => GiveUp(consumer, [.. revoked.Select(p => p.TopicPartition)])
            )
            .SetPartitionsLostHandler((_, lost) => Drop([.. lost.Select(p => p.TopicPartition)]))
            .Build();
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
                Add(consumer, record);
            else if (record?.IsPartitionEOF == true)
                unread.Remove(record.TopicPartition);
            if (record is not null && record.IsPartitionEOF == false && ++sinceRegulated < 64)
                continue;
            sinceRegulated = 0;
            Regulate(consumer);
            NoteCaughtUp();
            if (clock.GetElapsedTime(lastCommit) < options.CommitInterval)
                continue;
            Commit(consumer, works.Values);
            Measure(consumer);
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

    private void Add(IConsumer<byte[], byte[]> consumer, ConsumeResult<byte[], byte[]> record)
    {
        if (Trouble is not null)
            Trouble = null;
        if (!works.TryGetValue(record.TopicPartition, out var work))
        {
            work = new PartitionWork(record.TopicPartition, options, handler.ProcessAsync, clock);
            works.Add(record.TopicPartition, work);
        }

        work.Add(record);
        if (!work.IsFull || work.WaitForRoom(RoomWait) || work.Paused)
            return;
        consumer.Pause([work.Partition]);
        work.Paused = true;
    }

    /// <summary>Resumes partitions that were worked off and reports work that stopped.</summary>
    private void Regulate(IConsumer<byte[], byte[]> consumer)
    {
        foreach (var work in works.Values)
        {
            if (work.Failure is { } failure)
                throw failure;
            if (!work.Paused || !work.HasRoom)
                continue;
            consumer.Resume([work.Partition]);
            work.Paused = false;
        }
    }

    private ErrorCode Commit(IConsumer<byte[], byte[]> consumer, IEnumerable<PartitionWork> which)
    {
        if (options.FromBeginning)
            return ErrorCode.NoError;
        var moved = which
            .Select(work => (work, offset: work.Processed))
            .Where(p => p.offset != Offset.Unset && p.offset != p.work.Committed)
            .ToList();
        if (moved.Count == 0)
            return ErrorCode.NoError;
        try
        {
            consumer.Commit(moved.Select(p => new TopicPartitionOffset(p.work.Partition, p.offset)));
            foreach (var (work, offset) in moved)
                work.Committed = offset;
            return ErrorCode.NoError;
        }
        catch (KafkaException e) when (!e.Error.IsFatal)
        {
            // What was not committed is committed with the next round, or delivered again after a rebalance.
            CommitFailed(logger, options.Group, e.Error.Reason);
            return e.Error.Code;
        }
    }

    private void Measure(IConsumer<byte[], byte[]> consumer)
    {
        foreach (var work in works.Values)
            work.End = consumer.GetWatermarkOffsets(work.Partition).High;
        Volatile.Write(
            ref lags,
            [.. works.Values.Select(work => new PartitionLag(work.Partition.Topic, work.Partition.Partition, work.Lag))]
        );
    }

    private void NoteCaughtUp()
    {
        if (!options.FromBeginning || caughtUp.Task.IsCompleted)
            return;
        // The end is taken from the broker's word, since control records take offsets without being delivered.
        if (unread.Count == 0 && works.Values.All(work => work.Depth == 0))
            caughtUp.TrySetResult();
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Kafka: {Text}")]
    private static partial void ClientMessage(ILogger logger, string text);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Group}: Kafka: {Reason}")]
    private static partial void ClientError(ILogger logger, string group, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Group}: takes {Count} partitions: {Partitions}")]
    private static partial void Taking(ILogger logger, string group, int count, string partitions);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Group}: gives up {Count} partitions: {Partitions}")]
    private static partial void GivingUp(ILogger logger, string group, int count, string partitions);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Group}: reading failed and goes on: {Reason}")]
    private static partial void ReadFailed(ILogger logger, string group, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Group}: opening the consumer again: {Reason}")]
    private static partial void Reopening(ILogger logger, string group, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Group}: the consumer stopped")]
    private static partial void Stopped(ILogger logger, Exception e, string group);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Group}: offsets were not committed: {Reason}")]
    private static partial void CommitFailed(ILogger logger, string group, string reason);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "{Group}: the handler of {Partition} does not end although it was cancelled; its record is delivered "
            + "again"
    )]
    private static partial void DoesNotEnd(ILogger logger, string group, TopicPartition partition);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Group}: {What} was not answered within {Seconds} s")]
    private static partial void Unanswered(ILogger logger, string group, string what, double seconds);
}

/// <summary>Records of a partition that are not processed yet.</summary>
public sealed record PartitionLag(string Topic, int Partition, long Records);
