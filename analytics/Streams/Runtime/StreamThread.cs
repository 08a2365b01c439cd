using System.Collections.Concurrent;
using Confluent.Kafka;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.Logging;

namespace EventStream.Streams.Runtime;

/// <summary>
/// One thread: a consumer, a producer and the tasks of the partitions assigned to it. It reads a batch, processes it,
/// lets idle tasks advance, and commits at the interval; after an aborted transaction it goes back to the last
/// commit.
/// </summary>
internal sealed partial class StreamThread : IDisposable
{
    private readonly StreamsOptions options;
    private readonly KafkaOptions kafka;
    private readonly TimeProvider clock;
    private readonly ILogger logger;
    private readonly TaskSet tasks;
    private readonly IConsumer<byte[], byte[]> consumer;
    private readonly StreamProducer producer;
    private readonly Commit commit;
    private readonly InputEnds ends;
    private readonly ConcurrentQueue<Action<TaskSet>> queries = new();
    private readonly BadRecords badRecords;
    private long committedAt;
    private volatile bool killed;
    private bool closed;
    private bool abandoned;
    private CancellationToken stopping;

    public StreamThread(
        Topology topology,
        Func<SubTopology, int> partitionsOf,
        StreamsOptions options,
        KafkaOptions kafka,
        int number,
        TimeProvider clock,
        ILogger logger
    )
    {
        (this.options, this.kafka, this.clock, this.logger) = (options, kafka, clock, logger);
        consumer = BuildConsumer(number);
        ends = new InputEnds(consumer, clock);
        producer = new StreamProducer(options, kafka, number, consumer, logger);
        badRecords = new BadRecords(options, producer.Produce, clock, logger);
        tasks = new TaskSet(topology, options.ApplicationId, partitionsOf, producer.Produce, badRecords.Handle);
        commit = new Commit(producer, logger);
        Status = new ThreadStatus([], 0, 0, 0, 0, Restoring: false);
    }

    /// <summary>A snapshot made at the last commit, or when restoring began.</summary>
    public ThreadStatus Status { get; private set; }

    /// <summary>Runs until cancelled; throws what a successor thread cannot be spared.</summary>
    public void Run(CancellationToken cancellation)
    {
        stopping = cancellation;
        consumer.Subscribe(tasks.Topics);
        while (!cancellation.IsCancellationRequested && !killed)
        {
            ReadBatch();
            while (!killed && ProcessNext()) { }

            AdvanceIdle();
            Answer();
            if (!killed && clock.GetElapsedTime(committedAt) >= options.CommitInterval)
                CommitNow();
        }

        if (killed)
            return;
        CommitNow();
        consumer.Close();
        closed = true;
    }

    /// <summary>Stops without commit, abort or farewell, as a killed process would.</summary>
    public void Kill() => killed = true;

    /// <summary>Runs a read on the thread, between two records. False when too many wait.</summary>
    public bool TryQuery(Action<TaskSet> query)
    {
        if (queries.Count >= QueriesMax)
            return false;
        queries.Enqueue(query);
        return true;
    }

    /// <summary>
    /// Leaves the group, so that a successor need not wait for this member to be missed; commits nothing.
    /// </summary>
    public void Dispose()
    {
        if (!killed && !closed)
        {
            abandoned = true;
            consumer.Close();
        }

        producer.Dispose();
        consumer.Dispose();
    }

    /// <summary>Reads that may wait for the thread; more are refused, because each costs the stream time.</summary>
    private const int QueriesMax = 1024;

    private void ReadBatch()
    {
        var wait = TimeSpan.FromMilliseconds(Math.Clamp(options.CommitInterval.TotalMilliseconds / 4, 5, 50));
        for (var count = 0; count < options.BatchMax; count++)
        {
            var result = ConsumeOne(count == 0 ? wait : TimeSpan.Zero);
            if (result is null)
                return;
            if (result.IsPartitionEOF)
            {
                ends.Reached(result);
                continue;
            }

            ends.Left(result.TopicPartition);
            tasks.Find(result.Topic, result.Partition.Value)?.Add(RawRecord.From(result));
        }
    }

    private ConsumeResult<byte[], byte[]>? ConsumeOne(TimeSpan wait)
    {
        try
        {
            return consumer.Consume(wait);
        }
        catch (ConsumeException e) when (!e.Error.IsFatal)
        {
            ends.Clear();
            ReadFailed(logger, e.Error.Reason);
            return null;
        }
    }

    private bool ProcessNext()
    {
        var any = false;
        foreach (var task in tasks.All)
        {
            if (!task.ProcessNext())
                continue;
            task.LastRecordAt = clock.GetTimestamp();
            any = true;
        }

        return any;
    }

    private void AdvanceIdle()
    {
        if (options.IdleAdvance is not { } patience)
            return;
        foreach (var task in tasks.All)
        {
            var idle = clock.GetElapsedTime(task.LastRecordAt);
            if (idle < patience || !InputsAtEnd(task))
                continue;
            var onward = task.LastRecordTime == default ? task.LastRecordTime : task.LastRecordTime + idle;
            var now = clock.GetUtcNow() - patience;
            task.AdvanceStreamTime(onward > now ? onward : now);
        }
    }

    private bool InputsAtEnd(StreamTask task) =>
        ends.Are(tasks.InputsOf(task).Select(topic => new TopicPartition(topic, task.Partition)));

    private void Answer()
    {
        while (queries.TryDequeue(out var query))
            query(tasks);
    }

    private void CommitNow()
    {
        committedAt = clock.GetTimestamp();
        var changed = producer.Dirty || tasks.All.Any(task => task.NextOffsets.Count > 0);
        if (tasks.All.Count > 0 && changed && commit.Run(tasks.All, NextOffsets) == CommitOutcome.Aborted)
            GoBack();
        TakeStatus();
    }

    private IReadOnlyList<TopicPartitionOffset> NextOffsets() =>
        tasks.NextOffsets() is { Count: > 0 } next ? next : ends.Standing();

    /// <summary>Drops what the tasks hold in memory, and reads state and inputs from the last commit on.</summary>
    private void GoBack()
    {
        var partitions = consumer.Assignment;
        consumer.Assign(Prepare(partitions));
    }

    private IReadOnlyList<TopicPartitionOffset> Prepare(IReadOnlyCollection<TopicPartition> partitions)
    {
        // Committed offsets first: the broker answers only when no transaction on them is pending, and a predecessor
        // of an older generation can commit no more; what the changelogs hold afterwards belongs to these offsets.
        var committed = partitions.Count == 0 ? [] : consumer.Committed(partitions, TimeSpan.FromSeconds(30));
        ends.Clear();
        Status = Status with { Tasks = [], Restoring = partitions.Count > 0 };
        var created = tasks.Create(partitions);
        new ChangelogRestorer(options, kafka).Restore(created, clock, stopping);
        foreach (var task in created)
        {
            task.Start();
            task.LastRecordAt = clock.GetTimestamp();
        }

        Assigned(logger, created.Count);
        TakeStatus();
        return committed
            .Select(offset => new TopicPartitionOffset(
                offset.TopicPartition,
                offset.Offset == Offset.Unset ? Offset.Beginning : offset.Offset
            ))
            .ToList();
    }

    private void Release(bool lost)
    {
        if (killed || abandoned)
            return;
        if (lost)
            producer.Abort();
        else
            CommitNow();
        tasks.Clear();
        ends.Clear();
    }

    private void TakeStatus() =>
        Status = new ThreadStatus(
            tasks.All.Select(task => task.Id).Order(StringComparer.Ordinal).ToList(),
            tasks.All.Sum(task => task.Processed),
            tasks.All.Sum(task => task.Context.Late),
            badRecords.Count,
            consumer.Assignment.Sum(Lag),
            Restoring: false
        );

    private long Lag(TopicPartition partition)
    {
        if (ends.Has(partition))
            return 0;
        var high = consumer.GetWatermarkOffsets(partition).High;
        var position = consumer.Position(partition);
        return high.Value < 0 || position.Value < 0 ? 0 : Math.Max(0, high.Value - position.Value);
    }

    private IConsumer<byte[], byte[]> BuildConsumer(int number)
    {
        var config = kafka.ConsumerConfig($"{options.ApplicationId}-{number}", options.ApplicationId);
        // Range gives equal partition numbers of all inputs to the same member, which co-partitioned tasks rely on.
        config.PartitionAssignmentStrategy = PartitionAssignmentStrategy.Range;
        config.EnablePartitionEof = true;
        config.FetchWaitMaxMs = 100;
        config.SessionTimeoutMs = (int)options.SessionTimeout.TotalMilliseconds;
        config.HeartbeatIntervalMs = config.SessionTimeoutMs / 4;
        config.IsolationLevel = IsolationLevel.ReadCommitted;
        return new ConsumerBuilder<byte[], byte[]>(config)
            .SetLogHandler((_, message) => ClientMessage(logger, message.Message))
            .SetErrorHandler((_, error) => ClientMessage(logger, error.Reason))
            .SetPartitionsAssignedHandler((_, partitions) => Prepare(partitions))
            .SetPartitionsRevokedHandler((_, _) => Release(lost: false))
            .SetPartitionsLostHandler((_, _) => Release(lost: true))
            .Build();
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Kafka consumer: {Text}")]
    private static partial void ClientMessage(ILogger logger, string text);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Reading failed and is tried again: {Reason}")]
    private static partial void ReadFailed(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} tasks assigned and restored.")]
    private static partial void Assigned(ILogger logger, int count);
}

/// <summary>
/// What a thread is doing: its tasks, records processed, late and bad so far, records not yet read, and whether it
/// reads the state of its tasks back from their changelogs.
/// </summary>
public sealed record ThreadStatus(
    IReadOnlyList<string> Tasks,
    long Processed,
    long Late,
    long Bad,
    long Lag,
    bool Restoring
);
