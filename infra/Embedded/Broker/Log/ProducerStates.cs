using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Log;

/// <summary>A transaction that was aborted in a partition: what read_committed consumers must leave out.</summary>
internal readonly record struct AbortedTransaction(long ProducerId, long FirstOffset, long LastOffset);

/// <summary>
/// What one partition knows of its producers: the last batches of each (to recognise repetition and gaps), the epoch
/// (to fence) and the open transaction. It follows from the log alone; a snapshot only saves reading the log again.
/// Not thread-safe: the log's lock guards it.
/// </summary>
internal sealed class ProducerStates
{
    private readonly Dictionary<long, ProducerEntry> _producers = [];
    private readonly List<AbortedTransaction> _aborted = [];

    public IReadOnlyCollection<ProducerEntry> Producers => _producers.Values;

    /// <summary>In the order of their markers, so that the last offsets ascend.</summary>
    public List<AbortedTransaction> Aborted => _aborted;

    /// <summary>The first offset of the earliest open transaction, or <see cref="long.MaxValue"/>.</summary>
    public long FirstOpenOffset { get; private set; } = long.MaxValue;

    /// <summary>
    /// Checks a batch before it is appended. A repetition is no error and yields the offset of the original.
    /// </summary>
    public ErrorCode Check(in BatchHeader batch, out long duplicateOffset)
    {
        duplicateOffset = -1;
        if (!_producers.TryGetValue(batch.ProducerId, out var entry))
        {
            return ErrorCode.None;
        }
        if (batch.ProducerEpoch < entry.Epoch)
        {
            return ErrorCode.InvalidProducerEpoch;
        }
        if (entry.OpenOffset >= 0 && !batch.IsTransactional)
        {
            return ErrorCode.InvalidTxnState;
        }
        if (batch.ProducerEpoch > entry.Epoch || entry.LastSequence < 0)
        {
            return batch.BaseSequence == 0 ? ErrorCode.None : ErrorCode.OutOfOrderSequenceNumber;
        }
        if (entry.FindDuplicate(batch) is { } original)
        {
            duplicateOffset = original;
            return ErrorCode.None;
        }
        return batch.BaseSequence == NextSequence(entry.LastSequence)
            ? ErrorCode.None
            : ErrorCode.OutOfOrderSequenceNumber;
    }

    /// <summary>
    /// Takes note of a batch that is in the log; <paramref name="commit"/> counts for control batches only.
    /// </summary>
    public void Apply(in BatchHeader batch, long baseOffset, bool commit, long nowMs)
    {
        if (!batch.HasProducerId)
        {
            return;
        }
        if (!_producers.TryGetValue(batch.ProducerId, out var entry))
        {
            entry = new ProducerEntry(batch.ProducerId);
            _producers.Add(batch.ProducerId, entry);
        }
        if (batch.IsControl)
        {
            EndTransaction(entry, batch, baseOffset, commit);
        }
        else
        {
            entry.Append(batch, baseOffset);
            if (batch.IsTransactional && entry.OpenOffset < 0)
            {
                entry.OpenOffset = baseOffset;
                FirstOpenOffset = Math.Min(FirstOpenOffset, baseOffset);
            }
        }
        entry.LastUseMs = nowMs;
    }

    /// <summary>
    /// Adds the aborted transactions that touch the offsets from <paramref name="from"/> to before <paramref
    /// name="to"/>.
    /// </summary>
    public void CollectAborted(long from, long to, List<AbortedTransaction> into)
    {
        for (var i = FirstAbortedFrom(from); i < _aborted.Count; i++)
        {
            if (_aborted[i].FirstOffset < to)
            {
                into.Add(_aborted[i]);
            }
        }
    }

    /// <summary>Forgets aborted transactions whose marker compaction is about to remove.</summary>
    public void ForgetAborted(IReadOnlySet<long> markerOffsets) =>
        _aborted.RemoveAll(a => markerOffsets.Contains(a.LastOffset));

    /// <summary>
    /// Of every producer the epoch and the offset of its last record, which compaction must leave behind.
    /// </summary>
    public Dictionary<long, (short Epoch, long? LastDataOffset)> LastOfEach() =>
        _producers.Values.ToDictionary(entry => entry.ProducerId, entry => (entry.Epoch, entry.LastDataOffset));

    /// <summary>The producers whose transaction is open.</summary>
    public List<(long ProducerId, short Epoch)> Open() =>
        [.. _producers.Values.Where(entry => entry.OpenOffset >= 0).Select(entry => (entry.ProducerId, entry.Epoch))];

    /// <summary>
    /// Forgets what lies before the start of the log, and producers unused since <paramref name="usedSinceMs"/>.
    /// </summary>
    public void Forget(long logStart, long usedSinceMs)
    {
        _aborted.RemoveAll(a => a.LastOffset < logStart);
        foreach (var entry in _producers.Values.Where(e => e.OpenOffset < 0 && e.LastUseMs < usedSinceMs))
        {
            _producers.Remove(entry.ProducerId);
        }
    }

    /// <summary>Puts an entry of a snapshot back.</summary>
    public void Restore(ProducerEntry entry)
    {
        _producers[entry.ProducerId] = entry;
        RefreshFirstOpen();
    }

    private int FirstAbortedFrom(long offset)
    {
        var (low, high) = (0, _aborted.Count);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (_aborted[middle].LastOffset < offset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        return low;
    }

    private static int NextSequence(int sequence) => sequence == int.MaxValue ? 0 : sequence + 1;

    private void EndTransaction(ProducerEntry entry, in BatchHeader batch, long markerOffset, bool commit)
    {
        entry.Fence(batch.ProducerEpoch);
        if (entry.OpenOffset < 0)
        {
            return;
        }
        if (!commit)
        {
            _aborted.Add(new AbortedTransaction(entry.ProducerId, entry.OpenOffset, markerOffset));
        }
        entry.OpenOffset = -1;
        RefreshFirstOpen();
    }

    private void RefreshFirstOpen()
    {
        FirstOpenOffset = long.MaxValue;
        foreach (var producer in _producers.Values)
        {
            if (producer.OpenOffset >= 0)
            {
                FirstOpenOffset = Math.Min(FirstOpenOffset, producer.OpenOffset);
            }
        }
    }
}
