using Microsoft.Extensions.Logging;

namespace EventStream.Broker.Log;

internal sealed partial class PartitionLog
{
    private const string ProducersFile = "producers.snapshot";
    private const string LogStartFile = "log-start";
    private readonly SemaphoreSlim _flushing = new(1, 1);
    private long _flushedTo;

    private PartitionLog(
        string folder, TopicConfig config, LogSegment[] segments, ProducerStates producers, LogContext context)
    {
        _folder = folder;
        _config = config;
        _segments = segments;
        _producers = producers;
        _time = context.Time;
        _logger = context.Logger;
        _flushAlways = context.FlushAlways;
    }

    /// <summary>Opens the log in a folder, made if need be, and repairs what a crash left.</summary>
    public static PartitionLog Open(string folder, TopicConfig config, LogContext context)
    {
        Directory.CreateDirectory(folder);
        var nowMs = context.Time.GetUtcNow().ToUnixTimeMilliseconds();
        var segments = OpenSegments(folder, nowMs, context.Logger);
        var (producers, upTo) = ProducerSnapshot.Load(Path.Combine(folder, ProducersFile));
        if (upTo > segments[^1].NextOffset)
        {
            (producers, upTo) = (new ProducerStates(), 0);
        }
        Replay(segments, producers, upTo, nowMs);
        segments[^1].Unseal();
        var log = new PartitionLog(folder, config, segments, producers, context);
        log._logStart = Math.Max(segments[0].BaseOffset, ReadLogStart(folder));
        log.Publish(Math.Max(segments[^1].NextOffset, log._logStart));
        return log;
    }

    /// <summary>
    /// With <c>flush=always</c>, waits until everything before the offset is on the disk; appends share one flush.
    /// </summary>
    public async ValueTask FlushAsync(long upTo, CancellationToken cancellation)
    {
        if (!_flushAlways || Volatile.Read(ref _flushedTo) >= upTo)
        {
            return;
        }
        await _flushing.WaitAsync(cancellation);
        try
        {
            if (_flushedTo < upTo)
            {
                var reached = LogEnd;
                Active.Flush();
                Volatile.Write(ref _flushedTo, reached);
            }
        }
        finally
        {
            _flushing.Release();
        }
    }

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
            if (_config.IsDeleted)
            {
                RollWhenAllExpired(nowMs);
                RemoveWhile(first => IsExpired(first, nowMs) || IsBeyondSize());
            }
        }
    }

    /// <summary>Moves the start of the log forward; records before it are gone for every client at once.</summary>
    /// <returns>The start of the log, or null when the offset lies outside the log.</returns>
    public long? DeleteBefore(long offset)
    {
        lock (_gate)
        {
            var target = offset == -1 ? LogEnd : offset;
            if (target < LogStart || target > LogEnd)
            {
                return target < LogStart && target >= 0 ? LogStart : null;
            }
            WholeFile.Write(Path.Combine(_folder, LogStartFile), BitConverter.GetBytes(target));
            Volatile.Write(ref _logStart, target);
            RemoveWhile(first => first.NextOffset <= target);
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
                Active.Flush();
                ProducerSnapshot.Save(Path.Combine(_folder, ProducersFile), _producers, LogEnd);
                Active.Seal();
                Abandon();
            }
        }
    }

    /// <summary>Closes the files and writes nothing, as the end of the process would.</summary>
    public void Abandon()
    {
        lock (_gate)
        {
            _closed = true;
            foreach (var segment in _segments)
            {
                segment.Dispose();
            }
        }
        NotifyListeners();
    }

    private static LogSegment[] OpenSegments(string folder, long nowMs, ILogger logger)
    {
        var paths = Directory.GetFiles(folder, "*" + LogSegment.Suffix);
        Array.Sort(paths, StringComparer.Ordinal);
        if (paths.Length == 0)
        {
            return [LogSegment.Create(folder, ReadLogStart(folder), nowMs)];
        }
        var segments = new List<LogSegment>();
        foreach (var path in paths)
        {
            segments.Add(LogSegment.Open(path, nowMs, out var cutOff));
            if (cutOff > 0)
            {
                BrokerLog.TornTail(logger, path, cutOff);
            }
        }
        return [.. segments];
    }

    private static void Replay(LogSegment[] segments, ProducerStates producers, long from, long nowMs)
    {
        foreach (var segment in segments)
        {
            if (segment.NextOffset <= from)
            {
                continue;
            }
            using var scanner = segment.Scan(segment.Index.PositionBefore(from), segment.Size);
            while (scanner.MoveNext())
            {
                var batch = scanner.Current;
                if (batch.BaseOffset >= from)
                {
                    var commit = batch.IsControl && Protocol.ControlBatch.IsCommit(scanner.CurrentBytes());
                    producers.Apply(batch, batch.BaseOffset, commit, nowMs);
                }
            }
        }
    }

    private static long ReadLogStart(string folder)
    {
        var path = Path.Combine(folder, LogStartFile);
        return File.Exists(path) ? BitConverter.ToInt64(File.ReadAllBytes(path)) : 0;
    }

    private void RollIfDue(int bytes, long nowMs)
    {
        var full = Active.Size > 0 && Active.Size + bytes > _config.SegmentBytes;
        if (full || (Active.Size > 0 && nowMs - Active.CreatedMs > _config.SegmentMs))
        {
            Roll(nowMs);
        }
    }

    private void Roll(long nowMs)
    {
        if (_flushAlways)
        {
            Active.Flush();
        }
        Active.Seal();
        ProducerSnapshot.Save(Path.Combine(_folder, ProducersFile), _producers, _logEnd);
        _segments = [.. _segments, LogSegment.Create(_folder, _logEnd, nowMs)];
    }

    private void RollWhenAllExpired(long nowMs)
    {
        if (Active.Size > 0 && IsExpired(Active, nowMs))
        {
            Roll(nowMs);
        }
    }

    private bool IsExpired(LogSegment segment, long nowMs) =>
        _config.RetentionMs >= 0 && nowMs - segment.Index.MaxTimestamp > _config.RetentionMs;

    private bool IsBeyondSize()
    {
        if (_config.RetentionBytes < 0)
        {
            return false;
        }
        var total = 0L;
        foreach (var segment in _segments)
        {
            total += segment.Size;
        }
        return total - _segments[0].Size >= _config.RetentionBytes;
    }

    private void RemoveWhile(Func<LogSegment, bool> isDue)
    {
        while (_segments.Length > 1 && isDue(_segments[0]) && _segments[1].BaseOffset <= LastStable)
        {
            var first = _segments[0];
            _segments = _segments[1..];
            Volatile.Write(ref _logStart, Math.Max(_logStart, _segments[0].BaseOffset));
            first.Delete();
        }
    }
}
