using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Log;

/// <summary>
/// A producer as an administrator sees it: <see cref="LastUseMs"/> in milliseconds since 1970, <see cref="OpenOffset"/>
/// the first offset of its open transaction, -1 when none is open.
/// </summary>
internal readonly record struct ProducerDescription(
    long ProducerId,
    short Epoch,
    int LastSequence,
    long LastUseMs,
    long OpenOffset
);

internal sealed partial class PartitionLog
{
    /// <summary>The producers that the log remembers.</summary>
    public List<ProducerDescription> DescribeProducers()
    {
        lock (_gate)
        {
            var described = new List<ProducerDescription>(_producers.Producers.Count);
            foreach (var entry in _producers.Producers)
            {
                described.Add(
                    new ProducerDescription(
                        entry.ProducerId,
                        entry.Epoch,
                        entry.LastSequence,
                        entry.LastUseMs,
                        entry.OpenOffset
                    )
                );
            }
            return described;
        }
    }

    /// <summary>Whether a marker of this epoch may still end the producer's transaction here.</summary>
    public ErrorCode CheckMarker(long producerId, short epoch)
    {
        lock (_gate)
        {
            foreach (var entry in _producers.Producers)
            {
                if (entry.ProducerId == producerId && entry.Epoch > epoch)
                {
                    return ErrorCode.InvalidProducerEpoch;
                }
            }
            return ErrorCode.None;
        }
    }

    /// <summary>The bytes of the records on disk, without the indexes.</summary>
    public long MeasureBytes()
    {
        var total = 0L;
        foreach (var segment in _segments)
        {
            total += segment.Size;
        }
        return total;
    }
}
