using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Log;

namespace EventStream.Embedded.Broker.Transactions;

internal sealed partial class TransactionCoordinator
{
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
