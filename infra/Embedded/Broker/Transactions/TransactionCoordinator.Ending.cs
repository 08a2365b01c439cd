using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Transactions;

internal sealed partial class TransactionCoordinator
{
    /// <summary>The last epoch but one; a producer id is replaced before its epochs run out.</summary>
    private const short EpochMax = short.MaxValue - 1;

    /// <summary>
    /// Gives the next epoch. A producer that names its id and epoch goes on after an error (KIP-360) and must be the
    /// latest; one that names none is a new instance and fences the earlier ones.
    /// </summary>
    private ErrorCode Renew(Transaction transaction, int timeoutMs, long producerId, short epoch)
    {
        var goesOn = producerId >= 0 && transaction.ProducerId >= 0;
        if (goesOn && (producerId != transaction.ProducerId || epoch != transaction.Epoch))
        {
            return ComeBack(transaction, timeoutMs, producerId, epoch);
        }
        if (transaction.IsPrepared && !Finish(transaction, transaction.State))
        {
            return ErrorCode.ConcurrentTransactions;
        }
        var isOngoing = transaction.State == TransactionState.Ongoing;
        if (isOngoing && !Finish(transaction, TransactionState.PrepareAbort, () => transaction.RenewEpoch(goesOn)))
        {
            return ErrorCode.ConcurrentTransactions;
        }
        var oldId = transaction.ProducerId;
        Save(
            transaction,
            () =>
            {
                if (oldId < 0 || transaction.Epoch >= EpochMax)
                {
                    transaction.BeginProducer(_producerIds.Next());
                }
                else if (!isOngoing)
                {
                    transaction.RenewEpoch(goesOn);
                }
                transaction.TimeoutMs = timeoutMs;
                transaction.State = TransactionState.Empty;
            }
        );
        if (transaction.ProducerId != oldId)
        {
            _byProducer.TryRemove(oldId, out _);
            _byProducer[transaction.ProducerId] = transaction;
        }
        return ErrorCode.None;
    }

    /// <summary>
    /// The epoch was renewed already: by the same request, whose answer may have been lost, or because the transaction
    /// took too long. Its producer goes on with the new one, as long as nobody has begun a transaction with it.
    /// </summary>
    private ErrorCode ComeBack(Transaction transaction, int timeoutMs, long producerId, short epoch)
    {
        var isLatest = producerId == transaction.ProducerId && epoch >= 0 && epoch == transaction.PreviousEpoch;
        if (!isLatest || transaction.State is not (TransactionState.Empty or TransactionState.CompleteAbort))
        {
            return ErrorCode.ProducerFenced;
        }
        return TrySave(
            transaction,
            () =>
            {
                transaction.TimeoutMs = timeoutMs;
                transaction.State = TransactionState.Empty;
            }
        );
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
            error = TrySave(
                transaction,
                () =>
                {
                    transaction.Begin(NowMs());
                    change(transaction);
                }
            );
            if (begins && error == ErrorCode.None)
            {
                Arm(TimeSpan.FromMilliseconds(transaction.TimeoutMs));
            }
            return error;
        }
    }

    /// <summary>
    /// Writes down the decision, carries it out and writes down that it is done; false when the disk refused.
    /// </summary>
    private bool Finish(Transaction transaction, TransactionState prepared, Action? alongside = null)
    {
        try
        {
            if (transaction.State != prepared)
            {
                Save(
                    transaction,
                    () =>
                    {
                        alongside?.Invoke();
                        transaction.State = prepared;
                    }
                );
            }
            var commit = prepared == TransactionState.PrepareCommit;
            foreach (var (topic, partition) in transaction.Partitions)
            {
                _topics.Partition(topic, partition)?.AppendMarker(transaction.ProducerId, transaction.Epoch, commit);
            }
            foreach (var (topic, partition) in transaction.Partitions)
            {
                // Once the journal says that all is done, nobody writes a marker again that was lost with the power.
                _topics.Partition(topic, partition)?.FlushIfDue();
            }
            foreach (var group in transaction.Groups)
            {
                _groups.Offsets.EndTransaction(group, transaction.ProducerId, commit);
            }
            Save(
                transaction,
                () =>
                {
                    transaction.State = commit ? TransactionState.CompleteCommit : TransactionState.CompleteAbort;
                    transaction.Partitions.Clear();
                    transaction.Groups.Clear();
                }
            );
            return true;
        }
        catch (IOException e)
        {
            BrokerLog.UpkeepFailed(_logger, e, "transaction " + transaction.Id);
            Arm(RetryDelay);
            return false;
        }
    }

    /// <summary>Changes the transaction and writes it down; when the disk refuses, it is as it was.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    private void Save(Transaction transaction, Action change)
    {
        var before = transaction.Encode();
        try
        {
            change();
            transaction.UpdatedMs = NowMs();
            _journal.Put(new JournalEntry(transaction.Id, transaction.Encode()));
        }
        catch (IOException)
        {
            transaction.Restore(before);
            throw;
        }
    }

    private ErrorCode TrySave(Transaction transaction, Action change)
    {
        try
        {
            Save(transaction, change);
            return ErrorCode.None;
        }
        catch (IOException e)
        {
            BrokerLog.UpkeepFailed(_logger, e, "transaction " + transaction.Id);
            return ErrorCode.CoordinatorNotAvailable;
        }
    }

    private long NowMs() => _options.Time.GetUtcNow().ToUnixTimeMilliseconds();
}
