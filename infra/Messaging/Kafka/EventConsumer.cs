using System.Collections.Concurrent;
using Confluent.Kafka;
using EventStream.Messaging.Hosting;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// A consumer loop: records of a partition are handled in order, partitions beside each other, offsets committed after
/// processing. A full partition is paused instead of queued without bound, and polling never waits for a handler, so
/// that long work does not cost the membership in the group.
/// </summary>
public sealed partial class EventConsumer : BackgroundService
{
    private static readonly TimeSpan PollTimeout = TimeSpan.FromMilliseconds(100);
    private readonly ConsumerOptions options;
    private readonly KafkaOptions kafka;
    private readonly RecordHandler handler;
    private readonly TimeProvider clock;
    private readonly ILogger<EventConsumer> logger;
    private readonly string clientId;
    private readonly ConcurrentDictionary<TopicPartition, PartitionPump> pumps = new();
    private readonly TaskCompletionSource caughtUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private HashSet<TopicPartition> unread = [];

    public EventConsumer(
        ConsumerOptions options, Func<ConsumedMessage, CancellationToken, Task> handle, KafkaOptions kafka,
        EventProducer producer, IRole role, TimeProvider clock, ILogger<EventConsumer> logger)
    {
        (this.options, this.kafka, this.clock, this.logger) = (options, kafka, clock, logger);
        clientId = $"eventstream-{role.Name}";
        handler = new RecordHandler(options, handle, producer, clock, logger);
    }

    /// <summary>
    /// With <see cref="ConsumerOptions.FromBeginning"/>: ends when what was there at the start is processed.
    /// </summary>
    public Task CaughtUp => caughtUp.Task;

    /// <summary>Why the consumer is not doing its work, or null while it is.</summary>
    public string? Trouble { get; private set; } = "the consumer is starting";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Leaves the caller's thread: polling blocks.
        await Task.Factory.StartNew(
            () => PollUntilStopped(stoppingToken), CancellationToken.None, TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
    }

    private void PollUntilStopped(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                using var consumer = Open();
                Poll(consumer, stopping);
                Close(consumer);
            }
            catch (BadRecordException e)
            {
                Trouble = e.Message;
                Stopped(logger, e, options.Group);
                return;
            }
            catch (Exception e)
                when (e is KafkaException or InvalidOperationException && !stopping.IsCancellationRequested)
            {
                Trouble = e.Message;
                Reopening(logger, options.Group, e.Message);
                DropPumps();
                stopping.WaitHandle.WaitOne(TimeSpan.FromSeconds(1));
            }
        }
    }

    private IConsumer<byte[], byte[]> Open()
    {
        var config = kafka.ConsumerConfig(clientId, options.Group);
        config.EnablePartitionEof = options.FromBeginning;
        var consumer = new ConsumerBuilder<byte[], byte[]>(config)
            .SetLogHandler((_, message) => ClientMessage(logger, message.Message))
            .SetErrorHandler((_, error) => ClientError(logger, options.Group, error.Reason))
            .SetPartitionsAssignedHandler((_, _) => Trouble = null)
            .SetPartitionsRevokedHandler(Revoked)
            .SetPartitionsLostHandler((_, lost) => Drop(lost.Select(p => p.TopicPartition)))
            .Build();
        if (options.FromBeginning) AssignAll(consumer);
        else consumer.Subscribe(options.Topics.Select(topic => topic.Name));
        return consumer;
    }

    /// <summary>Takes every partition itself and notes where they end now.</summary>
    private void AssignAll(IConsumer<byte[], byte[]> consumer)
    {
        var starts = new List<TopicPartitionOffset>();
        var found = new HashSet<TopicPartition>();
        foreach (var topic in options.Topics)
        {
            for (var i = 0; i < topic.Partitions; i++)
            {
                var partition = new TopicPartition(topic.Name, i);
                var range = consumer.QueryWatermarkOffsets(partition, TimeSpan.FromSeconds(5));
                var start = options.TailPerPartition is { } tail ? Math.Max(range.Low, range.High - tail)
                    : range.Low.Value;
                starts.Add(new TopicPartitionOffset(partition, start));
                if (range.High > start) found.Add(partition);
            }
        }

        unread = found;
        consumer.Assign(starts);
        Trouble = null;
        NoteCaughtUp();
    }

    private void Poll(IConsumer<byte[], byte[]> consumer, CancellationToken stopping)
    {
        var lastCommit = clock.GetTimestamp();
        while (!stopping.IsCancellationRequested)
        {
            var record = consumer.Consume(PollTimeout);
            if (record?.Message is not null) Enqueue(consumer, record, stopping);
            else if (record?.IsPartitionEOF == true) unread.Remove(record.TopicPartition);
            Regulate(consumer);
            NoteCaughtUp();
            if (clock.GetElapsedTime(lastCommit) < options.CommitInterval) continue;
            Commit(consumer, pumps.Values);
            lastCommit = clock.GetTimestamp();
        }
    }

    private void Enqueue(IConsumer<byte[], byte[]> consumer, ConsumeResult<byte[], byte[]> record,
        CancellationToken stopping)
    {
        var pump = pumps.GetOrAdd(
            record.TopicPartition, partition => new PartitionPump(partition, handler.ProcessAsync, stopping));
        pump.Enqueue(record);
        if (pump.Paused || pump.Depth < options.QueueDepthMax) return;
        consumer.Pause([pump.Partition]);
        pump.Paused = true;
    }

    /// <summary>Resumes partitions that were worked off and reports a pump that stopped.</summary>
    private void Regulate(IConsumer<byte[], byte[]> consumer)
    {
        foreach (var pump in pumps.Values)
        {
            if (pump.Failure is { } failure) throw failure;
            if (!pump.Paused || pump.Depth > options.QueueDepthMax / 2) continue;
            consumer.Resume([pump.Partition]);
            pump.Paused = false;
        }
    }

    private void Commit(IConsumer<byte[], byte[]> consumer, IEnumerable<PartitionPump> which)
    {
        if (options.FromBeginning) return;
        var moved = which.Select(pump => (pump, offset: pump.Processed))
            .Where(p => p.offset != Offset.Unset && p.offset != p.pump.Committed).ToList();
        if (moved.Count == 0) return;
        try
        {
            consumer.Commit(moved.Select(p => new TopicPartitionOffset(p.pump.Partition, p.offset)));
            foreach (var (pump, offset) in moved) pump.Committed = offset;
        }
        catch (KafkaException e) when (!e.Error.IsFatal)
        {
            // What was not committed is committed with the next round, or delivered again after a rebalance.
            CommitFailed(logger, options.Group, e.Error.Reason);
        }
    }

    private void Revoked(IConsumer<byte[], byte[]> consumer, List<TopicPartitionOffset> revoked)
    {
        var partitions = revoked.Select(p => p.TopicPartition).ToList();
        var held = partitions.Select(p => pumps.GetValueOrDefault(p)).OfType<PartitionPump>().ToList();
        foreach (var pump in held) pump.DisposeAsync().AsTask().Wait(RoleHost.ShutdownTimeout);
        Commit(consumer, held);
        foreach (var partition in partitions) pumps.TryRemove(partition, out _);
    }

    private void Drop(IEnumerable<TopicPartition> partitions)
    {
        foreach (var partition in partitions)
        {
            if (pumps.TryRemove(partition, out var pump)) pump.DisposeAsync().AsTask().Wait(RoleHost.ShutdownTimeout);
        }
    }

    private void DropPumps() => Drop(pumps.Keys.ToList());

    private void Close(IConsumer<byte[], byte[]> consumer)
    {
        var all = pumps.Values.ToList();
        Task.WhenAll(all.Select(pump => pump.DisposeAsync().AsTask())).Wait(RoleHost.ShutdownTimeout);
        Commit(consumer, all);
        pumps.Clear();
        consumer.Close();
    }

    private void NoteCaughtUp()
    {
        if (!options.FromBeginning || caughtUp.Task.IsCompleted) return;
        // The end is taken from the broker's word, since control records take offsets without being delivered.
        if (unread.Count == 0 && pumps.Values.All(pump => pump.Depth == 0)) caughtUp.TrySetResult();
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Kafka: {Text}")]
    private static partial void ClientMessage(ILogger logger, string text);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Group}: Kafka: {Reason}")]
    private static partial void ClientError(ILogger logger, string group, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Group}: opening the consumer again: {Reason}")]
    private static partial void Reopening(ILogger logger, string group, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Group}: the consumer stopped")]
    private static partial void Stopped(ILogger logger, Exception e, string group);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Group}: offsets were not committed: {Reason}")]
    private static partial void CommitFailed(ILogger logger, string group, string reason);
}
