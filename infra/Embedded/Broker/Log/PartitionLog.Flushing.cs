namespace EventStream.Embedded.Broker.Log;

internal sealed partial class PartitionLog
{
    private readonly SemaphoreSlim _flushing = new(1, 1);
    private long _flushedTo;
    private long _flushedAtMs;

    /// <summary>
    /// Whether what was appended last must reach the disk before it is acknowledged: always with <c>flush=always</c>,
    /// else after <c>flush.messages</c> records.
    /// </summary>
    public bool IsFlushDue
    {
        get
        {
            var unflushed = LogEnd - Volatile.Read(ref _flushedTo);
            return unflushed > 0 && (_flushAlways || unflushed >= Volatile.Read(ref _config).FlushMessages);
        }
    }

    /// <summary>Waits until everything before the offset is on the disk; appends that wait share one flush.</summary>
    /// <exception cref="IOException">The disk refused; the records may be lost with the power.</exception>
    public async ValueTask FlushAsync(long upTo, CancellationToken cancellation)
    {
        if (Volatile.Read(ref _flushedTo) >= upTo)
        {
            return;
        }
        await _flushing.WaitAsync(cancellation);
        FlushAndRelease(upTo);
    }

    /// <summary>Brings to the disk what must be there before the caller goes on; returns when it is.</summary>
    /// <exception cref="IOException">The disk refused; the records may be lost with the power.</exception>
    public void FlushIfDue()
    {
        if (IsFlushDue)
        {
            _flushing.Wait();
            FlushAndRelease(LogEnd);
        }
    }

    private void FlushAndRelease(long upTo)
    {
        try
        {
            if (_flushedTo < upTo)
            {
                FlushAll();
            }
        }
        catch (ObjectDisposedException)
        {
            // The topic was deleted or the broker stops, which flushes.
        }
        finally
        {
            _flushing.Release();
        }
    }

    /// <summary>
    /// Brings complete segments to the disk, so that a start after the loss of power need not walk them, and whatever
    /// has waited longer than <c>flush.ms</c>.
    /// </summary>
    public void FlushInBackground()
    {
        var segments = _segments;
        foreach (var segment in segments.AsSpan(0, segments.Length - 1))
        {
            if (_closed)
            {
                return;
            }
            if (FlushSegment(segment))
            {
                SealUnlessReplaced(segment);
            }
        }
        var flushMs = Volatile.Read(ref _config).FlushMs;
        if (flushMs < long.MaxValue && NowMs() - _flushedAtMs >= flushMs && Volatile.Read(ref _flushedTo) < LogEnd)
        {
            FlushAll();
        }
    }

    private void FlushAll()
    {
        var reached = LogEnd;
        foreach (var segment in _segments)
        {
            FlushSegment(segment);
        }
        _flushedAtMs = NowMs();
        Volatile.Write(ref _flushedTo, Math.Max(reached, _flushedTo));
    }

    private bool FlushSegment(LogSegment segment)
    {
        if (segment.IsFlushed)
        {
            return false;
        }
        var flushed = segment.Flush();
        _counters.CountFlush();
        return flushed;
    }

    private void SealUnlessReplaced(LogSegment segment)
    {
        lock (_gate)
        {
            if (!_closed && _segments.Contains(segment) && segment != Active)
            {
                segment.Seal();
            }
        }
    }
}
