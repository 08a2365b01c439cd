using EventStream.Broker.Log;
using EventStream.Broker.Protocol;

namespace EventStream.Broker.Transactions;

internal sealed partial class TransactionCoordinator
{
    /// <summary>The last epoch but one; a producer id is replaced before its epochs run out.</summary>
    private const short EpochMax = short.MaxValue - 1;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private ErrorCode Renew(Transaction transaction, int timeoutMs, long producerId, short epoch)
    {
        var isNamed = producerId >= 0 && transaction.ProducerId >= 0;
        var isRetry = isNamed && producerId == transaction.ProducerId && epoch == transaction.PreviousEpoch;
        if (isRetry && transaction.State == TransactionState.Empty)
        {
            return ErrorCode.None;
        }
        if (isNamed && !isRetry && (producerId != transaction.ProducerId || epoch != transaction.Epoch))
        {
            return ErrorCode.ProducerFenced;
        }
        if (transaction.IsPrepared && !Finish(transaction, transaction.State))
        {
            return ErrorCode.ConcurrentTransactions;
        }
        RenewEpoch(transaction);
        if (!isNamed)
        {
            // Whoever held the epoch before is fenced; only a producer that named it may come back with it.
            transaction.PreviousEpoch = -1;
        }
        if (transaction.State == TransactionState.Ongoing && !Finish(transaction, TransactionState.PrepareAbort))
        {
            return ErrorCode.ConcurrentTransactions;
        }
        if (transaction.Epoch >= EpochMax)
        {
            AssignProducerId(transaction);
        }
        transaction.TimeoutMs = timeoutMs;
        transaction.State = TransactionState.Empty;
        Save(transaction);
        return ErrorCode.None;
    }

    private void RenewEpoch(Transaction transaction)
    {
        if (transaction.ProducerId < 0)
        {
            AssignProducerId(transaction);
            return;
        }
        transaction.PreviousEpoch = transaction.Epoch;
        transaction.Epoch++;
    }

    private void AssignProducerId(Transaction transaction)
    {
        _byProducer.TryRemove(transaction.ProducerId, out _);
        transaction.ProducerId = _producerIds.Next();
        transaction.Epoch = 0;
        transaction.PreviousEpoch = -1;
        _byProducer[transaction.ProducerId] = transaction;
    }

    private ErrorCode Change(string transactionalId, long producerId, short epoch, Action<Transaction> change)
    {
        if (!_byId.TryGetValue(transactionalId, out var transaction))
        {
            return ErrorCode.InvalidProducerIdMapping;
        }
        lock (transaction.Gate)
        {
            var error = transaction.CheckProducer(producerId, epoch);
            if (error != ErrorCode.None)
            {
                return error;
            }
            if (transaction.IsPrepared)
            {
                return ErrorCode.ConcurrentTransactions;
            }
            var begins = transaction.State != TransactionState.Ongoing;
            transaction.Begin(NowMs());
            change(transaction);
            Save(transaction);
            if (begins)
            {
                Arm(TimeSpan.FromMilliseconds(transaction.TimeoutMs));
            }
            return ErrorCode.None;
        }
    }

    /// <summary>
    /// Writes down the decision, carries it out and writes down that it is done; false when the disk refused.
    /// </summary>
    private bool Finish(Transaction transaction, TransactionState prepared)
    {
        try
        {
            if (transaction.State != prepared)
            {
                transaction.State = prepared;
                Save(transaction);
            }
            var commit = prepared == TransactionState.PrepareCommit;
            foreach (var (topic, partition) in transaction.Partitions)
            {
                _topics.Partition(topic, partition)?.AppendMarker(transaction.ProducerId, transaction.Epoch, commit);
            }
            foreach (var group in transaction.Groups)
            {
                _groups.Offsets.EndTransaction(group, transaction.ProducerId, commit);
            }
            transaction.State = commit ? TransactionState.CompleteCommit : TransactionState.CompleteAbort;
            transaction.Partitions.Clear();
            transaction.Groups.Clear();
            Save(transaction);
            return true;
        }
        catch (IOException e)
        {
            BrokerLog.UpkeepFailed(_logger, e, "transaction " + transaction.Id);
            Arm(RetryDelay);
            return false;
        }
    }

    private void Save(Transaction transaction) =>
        _journal.Put(new JournalEntry(transaction.Id, transaction.Encode()));

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
            RenewEpoch(transaction);
            Finish(transaction, TransactionState.PrepareAbort);
        }
    }

    private readonly Lock _timerGate = new();
    private long _armedForMs = long.MaxValue;

    /// <summary>Makes sure that a sweep comes after the delay at the latest.</summary>
    private void Arm(TimeSpan delay)
    {
        lock (_timerGate)
        {
            var nowMs = NowMs();
            var dueMs = nowMs + Math.Max((long)delay.TotalMilliseconds, 0) + 1;
            if (dueMs < _armedForMs || _armedForMs <= nowMs)
            {
                _armedForMs = dueMs;
                _timer.Change(TimeSpan.FromMilliseconds(dueMs - nowMs), Timeout.InfiniteTimeSpan);
            }
        }
    }

    private long NowMs() => _options.Time.GetUtcNow().ToUnixTimeMilliseconds();
}
