namespace EventStream.Embedded.Broker.Log;

internal sealed partial class PartitionLog
{
    private const string CleanedToFile = "cleaned-to";
    private readonly Lock _cleaning = new();
    private long _cleanedTo;
    private bool _isUncleanable;

    /// <summary>
    /// Compacts the log where it is due. Appends and reads go on meanwhile; only the exchange of a segment holds the
    /// lock. Null when nothing was due.
    /// </summary>
    /// <exception cref="IOException">The disk refused; the log is as it was, or partly compacted.</exception>
    public CompactionResult? Compact(CompactionLimits limits, CancellationToken stopping = default)
    {
        lock (_cleaning)
        {
            try
            {
                return CompactAlone(limits, stopping);
            }
            catch (ObjectDisposedException)
            {
                // The topic was deleted, the broker stops, or retention took a segment away: another time.
                return null;
            }
            catch (InvalidDataException e)
            {
                _isUncleanable = true;
                BrokerLog.Uncleanable(_logger, e, _folder);
                return null;
            }
        }
    }

    private CompactionResult? CompactAlone(CompactionLimits limits, CancellationToken stopping)
    {
        if (_isUncleanable || _closed || Plan(NowMs(), goesOn: false) is not { } plan)
        {
            return null;
        }
        SegmentSwap.Recover(_folder);
        var (end, result) = (plan.End, default(CompactionResult));
        for (var next = plan; next is not null && next.DirtyFrom < end; next = Plan(plan.NowMs, goesOn: true))
        {
            if (Pass(next, limits, stopping) is not { } pass)
            {
                break;
            }
            result = result.Add(pass);
        }
        BrokerLog.Compacted(
            _logger,
            _folder,
            result.BytesBefore,
            result.BytesAfter,
            result.RecordsRemoved,
            result.BatchesUnread
        );
        return result;
    }

    /// <summary>
    /// What is to be compacted now; with <paramref name="goesOn"/>, whether much or little of it is dirty.
    /// </summary>
    private CompactionPlan? Plan(long nowMs, bool goesOn)
    {
        lock (_gate)
        {
            if (_closed || !_config.IsCompacted)
            {
                return null;
            }
            var dirtyFrom = Math.Max(_cleanedTo, _logStart);
            var planned = new List<PlannedSegment>();
            var (clean, dirty) = (0L, 0L);
            for (var i = 0; i < _segments.Length - 1 && _segments[i + 1].BaseOffset <= LastStable; i++)
            {
                var (segment, end) = (_segments[i], _segments[i + 1].BaseOffset);
                var isDirty = end > dirtyFrom;
                if (isDirty && _config.MinCompactionLagMs > nowMs - segment.AgedFromMs)
                {
                    break;
                }
                planned.Add(new PlannedSegment(segment, end));
                (clean, dirty) = isDirty ? (clean, dirty + segment.Size) : (clean + segment.Size, dirty);
            }
            var isDue =
                dirty > 0
                && (goesOn || dirty > _config.MinCleanableDirtyRatio * (clean + dirty) || IsOverdue(planned, nowMs));
            if (!isDue)
            {
                return null;
            }
            var aborted = new List<AbortedTransaction>();
            _producers.CollectAborted(0, planned[^1].End, aborted);
            return new CompactionPlan(planned, dirtyFrom, nowMs, _config, aborted, _producers.LastOfEach());
        }
    }

    private bool IsOverdue(List<PlannedSegment> planned, long nowMs)
    {
        var dirtyFrom = Math.Max(_cleanedTo, _logStart);
        var oldest = planned.Find(p => p.End > dirtyFrom).Segment?.Index.FirstTimestamp ?? -1;
        return oldest >= 0 && nowMs - oldest > _config.MaxCompactionLagMs;
    }

    private CompactionResult? Pass(CompactionPlan plan, CompactionLimits limits, CancellationToken stopping)
    {
        using var pass = new CompactionPass(plan, limits, () => _closed || stopping.IsCancellationRequested);
        var end = pass.ReadKeys();
        var (before, after) = (0L, 0L);
        var segments = pass.Segments;
        for (var next = 0; next < segments.Count; )
        {
            var group = new List<PlannedSegment>();
            using var cleaned = new CleanedSegment(
                _folder,
                segments[next].Segment.BaseOffset,
                plan.Config.IndexIntervalBytes
            );
            // What little is left of several segments makes one; half a segment and a whole one are still no monster.
            do
            {
                pass.Clean(segments[next].Segment, cleaned);
                group.Add(segments[next++]);
            } while (next < segments.Count && cleaned.Size <= plan.Config.SegmentBytes / 2);
            cleaned.Complete();
            if (!Exchange(group, cleaned, pass.RemovedMarkers, plan.NowMs))
            {
                return null;
            }
            pass.RemovedMarkers.Clear();
            before += group.Sum(planned => planned.Segment.Size);
            after += cleaned.Size;
        }
        WholeFile.Write(Path.Combine(_folder, CleanedToFile), BitConverter.GetBytes(end));
        _cleanedTo = end;
        return new CompactionResult(1, before, after, pass.RecordsRemoved, pass.BatchesUnread);
    }

    /// <summary>
    /// Puts the cleaned segment in the place of the group; false when retention has changed the group meanwhile.
    /// </summary>
    private bool Exchange(
        IReadOnlyList<PlannedSegment> group,
        CleanedSegment cleaned,
        HashSet<long> removedMarkers,
        long nowMs
    )
    {
        lock (_gate)
        {
            var at = Array.IndexOf(_segments, group[0].Segment);
            if (_closed || at < 0)
            {
                return false;
            }
            if (removedMarkers.Count > 0)
            {
                // Forgotten before the markers go: a consumer that knows of an aborted transaction waits for its
                // marker.
                _producers.ForgetAborted(removedMarkers);
                SaveProducers();
            }
            var first = group[0].Segment.BaseOffset;
            SegmentSwap.Commit(_folder, cleaned.Path, first, group[^1].End);
            var segment = cleaned.Adopt(_folder, first, nowMs);
            segment.Seal();
            _segments = [.. _segments[..at], segment, .. _segments[(at + group.Count)..]];
            foreach (var planned in group)
            {
                planned.Segment.Dispose();
            }
            return true;
        }
    }

    /// <summary>Waits until a compaction has noticed that the log is closed and has removed its file.</summary>
    private void AwaitCompaction()
    {
        lock (_cleaning)
        {
            // The lock says it all.
        }
    }
}
