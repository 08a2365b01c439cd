using System.Collections.Concurrent;
using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace EventStream.Embedded.Broker.Transactions;

/// <summary>
/// The transaction coordinator owns the outcome of every transaction. The decision is in the journal before the first
/// marker is written, and the markers are written again after a crash until all are there: a transaction takes effect
/// wholly or not at all. Markers go straight to the logs of the same process, so that a transaction is complete when
/// its producer is informed.
/// </summary>
internal sealed partial class TransactionCoordinator : IDisposable
{
    private readonly BrokerOptions _options;
    private readonly TopicStore _topics;
    private readonly GroupCoordinator _groups;
    private readonly ILogger _logger;
    private readonly Journal _journal;
    private readonly ProducerIds _producerIds;
    private readonly ConcurrentDictionary<string, Transaction> _byId = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<long, Transaction> _byProducer = new();
    private readonly ITimer _timer;

    private TransactionCoordinator(
        BrokerOptions options,
        TopicStore topics,
        GroupCoordinator groups,
        ILogger logger,
        Journal journal
    )
    {
        _options = options;
        _topics = topics;
        _groups = groups;
        _logger = logger;
        _journal = journal;
        _producerIds = new ProducerIds(journal);
        var never = Timeout.InfiniteTimeSpan;
        _timer = options.Time.CreateTimer(_ => SweepUnlessClosed(), null, never, never);
    }

    public static TransactionCoordinator Open(
        BrokerOptions options,
        TopicStore topics,
        GroupCoordinator groups,
        ILogger logger
    )
    {
        var path = Path.Combine(options.DataFolder, "transactions.journal");
        var journal = Journal.Open(path, options.Flush == FlushMode.Always);
        var coordinator = new TransactionCoordinator(options, topics, groups, logger, journal);
        foreach (var (id, value) in journal.Entries)
        {
            if (id != ProducerIds.Key)
            {
                var transaction = Transaction.Decode(id, value);
                coordinator._byId[id] = transaction;
                coordinator._byProducer[transaction.ProducerId] = transaction;
            }
        }
        coordinator.Sweep();
        coordinator.AbortOrphans();
        return coordinator;
    }

    /// <summary>
    /// Gives a producer its id and epoch. A transactional one gets a new epoch, which fences every earlier instance.
    /// </summary>
    public (ErrorCode Error, long ProducerId, short Epoch) InitProducerId(
        string? transactionalId,
        int timeoutMs,
        long producerId,
        short epoch
    )
    {
        try
        {
            return transactionalId is null
                ? (ErrorCode.None, _producerIds.Next(), (short)0)
                : InitTransactional(transactionalId, timeoutMs, producerId, epoch);
        }
        catch (IOException e)
        {
            BrokerLog.UpkeepFailed(_logger, e, "producer " + transactionalId);
            return (ErrorCode.CoordinatorNotAvailable, -1, -1);
        }
    }

    private (ErrorCode Error, long ProducerId, short Epoch) InitTransactional(
        string transactionalId,
        int timeoutMs,
        long producerId,
        short epoch
    )
    {
        if (transactionalId.Length == 0 || producerId >= 0 != epoch >= 0)
        {
            return (ErrorCode.InvalidRequest, -1, -1);
        }
        if (timeoutMs <= 0 || timeoutMs > _options.TransactionTimeoutMax.TotalMilliseconds)
        {
            return (ErrorCode.InvalidTransactionTimeout, -1, -1);
        }
        while (true)
        {
            var transaction = _byId.GetOrAdd(transactionalId, static id => new Transaction(id));
            lock (transaction.Gate)
            {
                if (transaction.IsExpired)
                {
                    continue;
                }
                var error = Renew(transaction, timeoutMs, producerId, epoch);
                return error == ErrorCode.None ? (error, transaction.ProducerId, transaction.Epoch) : (error, -1, -1);
            }
        }
    }

    /// <summary>Adds partitions, all of which exist, to the transaction, and begins it if need be.</summary>
    public ErrorCode AddPartitions(
        string transactionalId,
        long producerId,
        short epoch,
        IReadOnlyCollection<TopicPartition> partitions
    ) => Change(transactionalId, producerId, epoch, t => t.Partitions.UnionWith(partitions));

    /// <summary>Adds a group whose offsets the transaction will commit.</summary>
    public ErrorCode AddGroup(string transactionalId, long producerId, short epoch, string group) =>
        Change(transactionalId, producerId, epoch, t => t.Groups.Add(group));

    /// <summary>Keeps offsets of a group aside until the transaction ends.</summary>
    public ErrorCode CommitOffsets(
        string transactionalId,
        long producerId,
        short epoch,
        string group,
        IReadOnlyList<(TopicPartition Partition, CommittedOffset Offset)> offsets
    )
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
            if (transaction.State != TransactionState.Ongoing || !transaction.Groups.Contains(group))
            {
                return ErrorCode.InvalidTxnState;
            }
            try
            {
                _groups.Offsets.CommitPending(group, producerId, offsets);
                return ErrorCode.None;
            }
            catch (IOException e)
            {
                BrokerLog.UpkeepFailed(_logger, e, "offsets of group " + group);
                return ErrorCode.CoordinatorNotAvailable;
            }
        }
    }

    /// <summary>Commits or aborts; to ask again for what has happened is no error.</summary>
    public ErrorCode End(string transactionalId, long producerId, short epoch, bool commit)
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
            var (prepare, complete) = commit
                ? (TransactionState.PrepareCommit, TransactionState.CompleteCommit)
                : (TransactionState.PrepareAbort, TransactionState.CompleteAbort);
            if (transaction.State == complete)
            {
                return ErrorCode.None;
            }
            if (transaction.State != TransactionState.Ongoing && transaction.State != prepare)
            {
                return ErrorCode.InvalidTxnState;
            }
            return Finish(transaction, prepare) ? ErrorCode.None : ErrorCode.ConcurrentTransactions;
        }
    }

    /// <summary>
    /// Appends a batch of a transactional producer while its transaction is held open, so that no record can slip in
    /// behind the marker that ends it.
    /// </summary>
    public AppendResult Append(TopicPartition partition, PartitionLog log, Span<byte> batch, in BatchHeader header)
    {
        if (!_byProducer.TryGetValue(header.ProducerId, out var transaction))
        {
            return new AppendResult(ErrorCode.InvalidProducerIdMapping);
        }
        lock (transaction.Gate)
        {
            if (transaction.ProducerId != header.ProducerId || transaction.Epoch != header.ProducerEpoch)
            {
                return new AppendResult(ErrorCode.InvalidProducerEpoch);
            }
            return transaction.State == TransactionState.Ongoing && transaction.Partitions.Contains(partition)
                ? log.Append(batch)
                : new AppendResult(ErrorCode.InvalidTxnState);
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        _journal.Dispose();
    }
}
