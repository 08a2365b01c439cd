namespace EventStream.Embedded.Broker.Log;

internal sealed partial class PartitionLog
{
    private const string ProducersFile = "producers.snapshot";
    private const string LogStartFile = "log-start";

    /// <summary>Removes segments that are too old or too many, and forgets producers that are long gone.</summary>
    public void ApplyRetention(TimeSpan producerExpiry)
    {
        var nowMs = NowMs();
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }
            _producers.Forget(LogStart, nowMs - (long)producerExpiry.TotalMilliseconds);
            if (!_config.IsDeleted)
            {
                return;
            }
            var due = CountDue(nowMs);
            if (due == _segments.Length)
            {
                Roll(nowMs);
            }
            RemoveFirst(due);
        }
    }

    /// <summary>Moves the start of the log forward; records before it are gone for every client at once.</summary>
    /// <returns>The start of the log, or null when the offset lies outside the log.</returns>
    /// <exception cref="IOException">The disk refused; the start is where it was.</exception>
    public long? DeleteBefore(long offset)
    {
        lock (_gate)
        {
            var target = offset == -1 ? LogEnd : offset;
            if (target < LogStart || target > LogEnd)
            {
                return target < LogStart && target >= 0 ? LogStart : null;
            }
            WholeFile.Write(Path.Combine(_folder, LogStartFile), BitConverter.GetBytes(target), _flushAlways);
            Volatile.Write(ref _logStart, target);
            var due = 0;
            while (due < _segments.Length - 1 && _segments[due + 1].BaseOffset <= Math.Min(target, LastStable))
            {
                due++;
            }
            RemoveFirst(due);
            return target;
        }
    }

    /// <summary>Writes down what spares the next start the walk through the log, and closes the files.</summary>
    public void Close()
    {
        lock (_gate)
        {
            if (!_closed)
            {
                SealAll();
                Release();
            }
        }
        AwaitCompaction();
    }

    private void SealAll()
    {
        try
        {
            foreach (var segment in _segments)
            {
                if (segment.Flush() || segment == Active)
                {
                    segment.Seal();
                }
            }
            SaveProducers();
        }
        catch (IOException e)
        {
            // The records are there; only the next start has to walk what could not be sealed.
            BrokerLog.UpkeepFailed(_logger, e, _folder);
        }
    }

    /// <summary>Closes the files and writes nothing, as the end of the process would.</summary>
    public void Abandon()
    {
        lock (_gate)
        {
            Release();
        }
        AwaitCompaction();
    }

    private void Release()
    {
        _closed = true;
        foreach (var segment in _segments)
        {
            segment.Dispose();
        }
        NotifyListeners();
    }

    private void SaveProducers() => ProducerSnapshot.Save(Path.Combine(_folder, ProducersFile), _producers, _logEnd);

    /// <summary>
    /// A segment holds a limited number of bytes, and records of a limited span of time, by their own timestamps, so
    /// that it depends on the records alone where segments end.
    /// </summary>
    private void RollIfDue(int bytes, long timestampMs, long nowMs)
    {
        if (Active.Size == 0)
        {
            return;
        }
        var firstMs = Active.Index.FirstTimestamp;
        var spanMs = firstMs >= 0 && timestampMs >= 0 ? timestampMs - firstMs : nowMs - Active.CreatedMs;
        if (Active.Size + bytes > _config.SegmentBytes || spanMs > _config.SegmentMs)
        {
            Roll(nowMs);
        }
    }

    private void Roll(long nowMs)
    {
        Active.Seal();
        SaveProducers();
        var next = LogSegment.Create(_folder, _logEnd, _config.IndexIntervalBytes, nowMs);
        if (_flushAlways)
        {
            FolderFlush.Flush(_folder);
        }
        _segments = [.. _segments, next];
    }

    /// <summary>
    /// How many of the first segments retention removes; all of them when the active one is due, too.
    /// </summary>
    private int CountDue(long nowMs)
    {
        var left = Size;
        var due = 0;
        foreach (var segment in _segments)
        {
            var end = segment == Active ? LogEnd : _segments[due + 1].BaseOffset;
            var isExpired = _config.RetentionMs >= 0 && nowMs - segment.AgedFromMs > _config.RetentionMs;
            var isBeyondSize = _config.RetentionBytes >= 0 && left - segment.Size >= _config.RetentionBytes;
            var isEmptyTail = segment == Active && segment.Size == 0;
            if (end > LastStable || isEmptyTail || !(isExpired || isBeyondSize))
            {
                break;
            }
            left -= segment.Size;
            due++;
        }
        return due;
    }

    private void RemoveFirst(int count)
    {
        for (; count > 0; count--)
        {
            var first = _segments[0];
            _segments = _segments[1..];
            Volatile.Write(ref _logStart, Math.Max(_logStart, _segments[0].BaseOffset));
            first.Delete();
        }
    }
}
