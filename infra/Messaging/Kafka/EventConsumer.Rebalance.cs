using Confluent.Kafka;

namespace EventStream.Messaging.Kafka;

/// <summary>How partitions are taken and given up: at a rebalance, when they are lost, and at the end.</summary>
public sealed partial class EventConsumer
{
    private void Take(List<TopicPartition> assigned)
    {
        Trouble = null;
        Taking(logger, options.Group, assigned.Count, string.Join(", ", assigned));
    }

    /// <summary>Drains partitions, commits what was processed, and forgets them.</summary>
    private void GiveUp(IConsumer<byte[], byte[]> consumer, List<TopicPartition> partitions)
    {
        if (partitions.Count > 0)
            GivingUp(logger, options.Group, partitions.Count, string.Join(", ", partitions));
        var held = partitions.Select(partition => works.GetValueOrDefault(partition)).OfType<PartitionWork>().ToList();
        Drain(held, options.DrainTimeout);
        if (held.Count > 0)
            Within(LeaveTimeout, () => CommitAsync(consumer, held), "a last commit");
        foreach (var partition in partitions)
            works.Remove(partition);
    }

    /// <summary>
    /// The last commit of partitions: a rebalance that is under way is waited for, and what it refused is committed
    /// in the generation that it led to. A consumer that is still the same member then has kept its partitions; one
    /// that was put out of the group and has joined it again must not touch what another member owns now.
    /// </summary>
    private async Task CommitAsync(IConsumer<byte[], byte[]> consumer, List<PartitionWork> which)
    {
        var (started, member) = (clock.GetTimestamp(), consumer.MemberId);
        while (
            Commit(consumer, which) is ErrorCode.RebalanceInProgress or ErrorCode.IllegalGeneration
            && clock.GetElapsedTime(started) < LeaveTimeout
            && consumer.MemberId == member
        )
            await Task.Delay(RoomWait, clock);
    }

    /// <summary>Cancels the work on partitions that belong to somebody else already.</summary>
    private void Drop(List<TopicPartition> partitions)
    {
        Drain(partitions.Select(partition => works.GetValueOrDefault(partition)).OfType<PartitionWork>(), default);
        foreach (var partition in partitions)
            works.Remove(partition);
    }

    private void Drain(IEnumerable<PartitionWork> which, TimeSpan grace)
    {
        var drains = which.Select(work => (work, ended: work.DrainAsync(grace, CancelGrace))).ToList();
        foreach (var (work, ended) in drains)
        {
            if (!ended.GetAwaiter().GetResult())
                DoesNotEnd(logger, options.Group, work.Partition);
        }
    }

    private void Close(IConsumer<byte[], byte[]> consumer)
    {
        GiveUp(consumer, [.. works.Keys]);
        // A broker that is away would keep the client waiting for as long as a request may take.
        Within(LeaveTimeout, () => Task.Run(consumer.Close), "leaving the group");
        Within(LeaveTimeout, () => Task.Run(consumer.Dispose), "closing the client");
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
}
