using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Log;

namespace EventStream.Embedded.Broker.Transactions;

internal sealed partial class TransactionCoordinator
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);
    private readonly Lock _timerGate = new();
    private long _armedForMs = long.MaxValue;

    /// <summary>
    /// Aborts what is overdue, completes what a crash or a full disk interrupted, and sets the timer to the next end.
    /// </summary>
    private void Sweep()
    {
        var next = TimeSpan.MaxValue;
        foreach (var transaction in _byId.Values)
        {
            lock (transaction.Gate)
            {
                SweepOne(transaction);
                if (transaction.State == TransactionState.Ongoing)
                {
                    var left = TimeSpan.FromMilliseconds(transaction.StartedMs + transaction.TimeoutMs - NowMs());
                    next = left < next ? left : next;
                }
                else if (transaction.IsPrepared)
                {
                    next = RetryDelay < next ? RetryDelay : next;
                }
            }
        }
        if (next != TimeSpan.MaxValue)
        {
            Arm(next);
        }
    }

    private void SweepUnlessClosed()
    {
        try
        {
            lock (_timerGate)
            {
                // From here on nothing is armed, though the clock may show less than was due: timers come some
                // milliseconds early, and clocks are set.
                _armedForMs = long.MaxValue;
            }
            Sweep();
        }
        catch (ObjectDisposedException)
        {
            // The broker stops; what is left to be done is done at the next start.
        }
        catch (IOException e)
        {
            BrokerLog.UpkeepFailed(_logger, e, "transactions");
            Arm(RetryDelay);
        }
    }

    private void SweepOne(Transaction transaction)
    {
        if (transaction.IsPrepared)
        {
            Finish(transaction, transaction.State);
        }
        else if (transaction.IsOverdue(NowMs()))
        {
            BrokerLog.TransactionTimedOut(_logger, transaction.Id, transaction.TimeoutMs);
            // The epoch goes up, so that nothing that is still on its way gets in behind the marker.
            Finish(transaction, TransactionState.PrepareAbort, () => transaction.RenewEpoch(goesOn: true));
        }
    }

    /// <summary>Makes sure that a sweep comes after the delay at the latest.</summary>
    private void Arm(TimeSpan delay)
    {
        lock (_timerGate)
        {
            var nowMs = NowMs();
            var dueMs = nowMs + Math.Max((long)delay.TotalMilliseconds, 0) + 1;
            if (dueMs < _armedForMs)
            {
                _armedForMs = dueMs;
                _timer.Change(TimeSpan.FromMilliseconds(dueMs - nowMs), Timeout.InfiniteTimeSpan);
            }
        }
    }

    /// <summary>
    /// Forgets transactional ids that were not used for long; a producer that comes back with one begins with a new
    /// producer id.
    /// </summary>
    /// <exception cref="IOException">The disk refused; the ids are forgotten another time.</exception>
    public void Expire()
    {
        var idleSinceMs = NowMs() - (long)_options.TransactionalIdExpiry.TotalMilliseconds;
        foreach (var transaction in _byId.Values)
        {
            lock (transaction.Gate)
            {
                if (transaction.IsExpired || !transaction.IsIdleSince(idleSinceMs))
                {
                    continue;
                }
                _journal.Put(new JournalEntry(transaction.Id, null));
                _byId.TryRemove(transaction.Id, out _);
                _byProducer.TryRemove(transaction.ProducerId, out _);
                transaction.Expire();
            }
        }
    }

    /// <summary>
    /// Ends transactions that are open in a log and unknown here, as the loss of power can leave them: nobody else
    /// would
    /// ever end them, and consumers of committed records would wait for good.
    /// </summary>
    private void AbortOrphans()
    {
        foreach (var topic in _topics.All)
        {
            for (var i = 0; i < topic.Partitions.Length; i++)
            {
                foreach (var (producerId, epoch) in topic.Partitions[i].OpenTransactions())
                {
                    if (!IsUnderWay(producerId, new TopicPartition(topic.Name, i)))
                    {
                        AbortOrphan(topic.Partitions[i], topic.Name, producerId, epoch);
                    }
                }
            }
        }
    }

    private bool IsUnderWay(long producerId, TopicPartition partition) =>
        _byProducer.TryGetValue(producerId, out var transaction)
        && (transaction.State == TransactionState.Ongoing || transaction.IsPrepared)
        && transaction.Partitions.Contains(partition);

    private void AbortOrphan(PartitionLog log, string topic, long producerId, short epoch)
    {
        BrokerLog.OrphanAborted(_logger, producerId, topic);
        try
        {
            log.AppendMarker(producerId, epoch, commit: false);
        }
        catch (IOException e)
        {
            BrokerLog.UpkeepFailed(_logger, e, "an orphaned transaction of " + topic);
        }
    }
}
