using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Log;

/// <summary>One producer in one partition: its epoch, its last five batches and its open transaction.</summary>
internal sealed class ProducerEntry(long producerId)
{
    /// <summary>
    /// As many batches as an idempotent producer may have in flight; an older one cannot be repeated.
    /// </summary>
    public const int BatchesKept = 5;

    private readonly KeptBatch[] _batches = new KeptBatch[BatchesKept];

    internal readonly record struct KeptBatch(int BaseSequence, int LastSequence, long BaseOffset)
    {
        public long LastOffset => BaseOffset + (LastSequence - BaseSequence & int.MaxValue);
    }

    public long ProducerId { get; } = producerId;

    public short Epoch { get; private set; } = -1;

    /// <summary>The sequence of the last record of this epoch, -1 when there is none.</summary>
    public int LastSequence { get; private set; } = -1;

    /// <summary>The first offset of the open transaction, -1 when none is open.</summary>
    public long OpenOffset { get; set; } = -1;

    public long LastUseMs { get; set; }

    public int KeptCount { get; private set; }

    /// <summary>The offset of the last record of this epoch, null when there is none.</summary>
    public long? LastDataOffset => KeptCount > 0 ? _batches[KeptCount - 1].LastOffset : null;

    public ReadOnlySpan<KeptBatch> Kept => _batches.AsSpan(0, KeptCount);

    public long? FindDuplicate(in BatchHeader batch)
    {
        foreach (var kept in Kept)
        {
            if (kept.BaseSequence == batch.BaseSequence && kept.LastSequence == batch.LastSequence)
            {
                return kept.BaseOffset;
            }
        }
        return null;
    }

    public void Append(in BatchHeader batch, long baseOffset)
    {
        Fence(batch.ProducerEpoch);
        Keep(new KeptBatch(batch.BaseSequence, batch.LastSequence, baseOffset));
    }

    /// <summary>Enters an epoch; a new one begins without batches.</summary>
    public void Fence(short epoch)
    {
        if (epoch > Epoch)
        {
            Epoch = epoch;
            KeptCount = 0;
            LastSequence = -1;
        }
    }

    public void Keep(KeptBatch batch)
    {
        if (KeptCount == BatchesKept)
        {
            Array.Copy(_batches, 1, _batches, 0, BatchesKept - 1);
            KeptCount--;
        }
        _batches[KeptCount++] = batch;
        LastSequence = batch.LastSequence;
    }
}
