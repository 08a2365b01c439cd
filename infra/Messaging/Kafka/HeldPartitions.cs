using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// The partitions that a consumer has in hand, with the work on each: they are filled and paused, committed, measured,
/// and given up at a rebalance, when they are lost, and at the end. All but <see cref="Lags"/> is for the thread that
/// polls.
/// </summary>
internal sealed partial class HeldPartitions(
    ConsumerOptions options,
    Func<ConsumeResult<byte[], byte[]>, WorkSignals, Task> handle,
    TimeProvider clock,
    ILogger logger
)
{
    /// <summary>Time that the broker has for a last commit, and for leaving.</summary>
    public static readonly TimeSpan LeaveTimeout = TimeSpan.FromSeconds(3);

    /// <summary>How long a full partition holds up polling before it is paused, which costs what is fetched.</summary>
    private static readonly TimeSpan RoomWait = TimeSpan.FromMilliseconds(20);

    /// <summary>Time that a cancelled handler has to end.</summary>
    private static readonly TimeSpan CancelGrace = TimeSpan.FromSeconds(2);

    private readonly Dictionary<TopicPartition, PartitionWork> works = [];
    private IReadOnlyList<PartitionLag> lags = [];

    /// <summary>Records of each partition that are not processed yet, as of the last <see cref="Measure"/>.</summary>
    public IReadOnlyList<PartitionLag> Lags => Volatile.Read(ref lags);

    /// <summary>Whether everything that was read is processed.</summary>
    public bool IsIdle => works.Values.All(work => work.Depth == 0);

    /// <summary>Takes a record to process, and pauses its partition where it is full.</summary>
    public void Add(IConsumer<byte[], byte[]> consumer, ConsumeResult<byte[], byte[]> record)
    {
        if (!works.TryGetValue(record.TopicPartition, out var work))
        {
            work = new PartitionWork(record.TopicPartition, options, handle, clock);
            works.Add(record.TopicPartition, work);
        }

        work.Add(record);
        if (work.HasRoom || work.WaitForRoom(RoomWait) || work.Paused)
            return;
        consumer.Pause([work.Partition]);
        work.Paused = true;
    }

    /// <summary>Resumes partitions that were worked off. Throws what stopped the work on one.</summary>
    public void Regulate(IConsumer<byte[], byte[]> consumer)
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

    /// <summary>Commits what was processed since the last time.</summary>
    public void Commit(IConsumer<byte[], byte[]> consumer) => Commit(consumer, works.Values);

    /// <summary>Notes how far each partition is behind.</summary>
    public void Measure(IConsumer<byte[], byte[]> consumer)
    {
        foreach (var work in works.Values)
            work.End = consumer.GetWatermarkOffsets(work.Partition).High;
        Volatile.Write(
            ref lags,
            [.. works.Values.Select(work => new PartitionLag(work.Partition.Topic, work.Partition.Partition, work.Lag))]
        );
    }

    /// <summary>Drains partitions, commits what was processed, and forgets them.</summary>
    public void GiveUp(IConsumer<byte[], byte[]> consumer, IReadOnlyCollection<TopicPartition> partitions)
    {
        if (partitions.Count > 0)
            GivingUp(logger, options.Group, partitions.Count, string.Join(", ", partitions));
        var held = Remove(partitions, options.DrainTimeout);
        if (held.Count > 0)
            Within(LeaveTimeout, () => CommitLastAsync(consumer, held), "a last commit");
    }

    /// <summary>Cancels the work on partitions that belong to somebody else already.</summary>
    public void Drop(IEnumerable<TopicPartition> partitions) => Remove(partitions, grace: default);

    /// <summary>Gives up all partitions and closes the client in good order.</summary>
    public void Close(IConsumer<byte[], byte[]> consumer)
    {
        GiveUp(consumer, [.. works.Keys]);
        // A broker that is away would keep the client waiting for as long as a request may take.
        Within(LeaveTimeout, () => Task.Run(consumer.Close), "leaving the group");
        Within(LeaveTimeout, () => Task.Run(consumer.Dispose), "closing the client");
    }

    private List<PartitionWork> Remove(IEnumerable<TopicPartition> partitions, TimeSpan grace)
    {
        var removed = new List<PartitionWork>();
        foreach (var partition in partitions)
            if (works.Remove(partition, out var work))
                removed.Add(work);
        var drains = removed.ConvertAll(work => work.DrainAsync(grace, CancelGrace));
        foreach (var (work, drain) in removed.Zip(drains))
            if (!drain.GetAwaiter().GetResult())
                DoesNotEnd(logger, options.Group, work.Partition);
        return removed;
    }

    /// <summary>
    /// The last commit of partitions: a rebalance that is under way is waited for, and what it refused is committed
    /// in the generation that it led to. A consumer that is still the same member then has kept its partitions; one
    /// that was put out of the group and has joined it again must not touch what another member owns now.
    /// </summary>
    private async Task CommitLastAsync(IConsumer<byte[], byte[]> consumer, List<PartitionWork> which)
    {
        var (started, member) = (clock.GetTimestamp(), consumer.MemberId);
        while (
            Commit(consumer, which) is ErrorCode.RebalanceInProgress or ErrorCode.IllegalGeneration
            && clock.GetElapsedTime(started) < LeaveTimeout
            && consumer.MemberId == member
        )
            await Task.Delay(RoomWait, clock);
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

    private void Within(TimeSpan bound, Func<Task> step, string what)
    {
        var done = Task.Run(step);
        try
        {
            if (!done.Wait(bound))
                Unanswered(logger, options.Group, what, bound.TotalSeconds);
        }
        catch (AggregateException e) when (e.InnerException is KafkaException or InvalidOperationException)
        {
            CommitFailed(logger, options.Group, e.InnerException.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Group}: gives up {Count} partitions: {Partitions}")]
    private static partial void GivingUp(ILogger logger, string group, int count, string partitions);

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
