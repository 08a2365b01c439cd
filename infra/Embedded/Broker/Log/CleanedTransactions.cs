using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Log;

/// <summary>
/// What compaction has to know of transactions while it walks a log in order: which batches were aborted (their records
/// go at once), and which markers have nothing left to decide (they go after the delete horizon).
/// </summary>
internal sealed class CleanedTransactions
{
    private readonly PriorityQueue<AbortedTransaction, long> _ahead = new();
    private readonly Dictionary<long, bool> _abortedHasData = [];
    private readonly HashSet<long> _committedWithData = [];

    /// <param name="aborted">The aborted transactions that touch the part of the log that is walked.</param>
    public CleanedTransactions(IEnumerable<AbortedTransaction> aborted)
    {
        foreach (var transaction in aborted)
        {
            _ahead.Enqueue(transaction, transaction.FirstOffset);
        }
    }

    /// <summary>Passes a batch of a transaction; true when it was aborted.</summary>
    public bool PassData(in BatchHeader batch)
    {
        Reach(batch.LastOffset);
        if (_abortedHasData.ContainsKey(batch.ProducerId))
        {
            _abortedHasData[batch.ProducerId] = true;
            return true;
        }
        _committedWithData.Add(batch.ProducerId);
        return false;
    }

    /// <summary>Passes a marker; true when no batch of its transaction is left in the log.</summary>
    public bool PassMarker(in BatchHeader batch, bool commit)
    {
        Reach(batch.LastOffset);
        if (commit)
        {
            return !_committedWithData.Remove(batch.ProducerId);
        }
        return !(_abortedHasData.Remove(batch.ProducerId, out var hasData) && hasData);
    }

    private void Reach(long offset)
    {
        while (_ahead.TryPeek(out var next, out var firstOffset) && firstOffset <= offset)
        {
            _ahead.Dequeue();
            _abortedHasData.TryAdd(next.ProducerId, false);
        }
    }
}
