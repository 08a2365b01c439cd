using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Log;

internal sealed partial class PartitionLog
{
    private PartitionLog(
        string folder,
        TopicConfig config,
        LogSegment[] segments,
        ProducerStates producers,
        LogContext context
    )
    {
        _folder = folder;
        _config = config;
        _segments = segments;
        _producers = producers;
        _time = context.Time;
        _logger = context.Logger;
        _counters = context.Counters;
        _flushAlways = context.FlushAlways;
    }

    /// <summary>The bytes that had to be read and verified when the log was opened.</summary>
    public long BytesVerified { get; private init; }

    /// <summary>The bytes of all segments.</summary>
    public long Size => _segments.Sum(segment => segment.Size);

    public int SegmentCount => _segments.Length;

    /// <summary>Opens the log in a folder, made if need be, and repairs what a crash left.</summary>
    /// <exception cref="IOException">The folder or a file in it cannot be read or written.</exception>
    public static PartitionLog Open(string folder, TopicConfig config, LogContext context)
    {
        if (!Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder);
            if (context.FlushAlways)
            {
                FolderFlush.Flush(Path.GetDirectoryName(folder)!);
            }
        }
        SegmentSwap.Recover(folder);
        var nowMs = context.Time.GetUtcNow().ToUnixTimeMilliseconds();
        var segments = OpenSegments(folder, config, nowMs, context);
        var (producers, upTo) = ProducerSnapshot.Load(Path.Combine(folder, ProducersFile));
        if (upTo > segments[^1].NextOffset)
        {
            (producers, upTo) = (new ProducerStates(), 0);
        }
        Replay(segments, producers, upTo, nowMs);
        segments[^1].Unseal();
        var log = new PartitionLog(folder, config, segments, producers, context)
        {
            BytesVerified = segments.Sum(s => s.BytesVerified),
        };
        log._logStart = Math.Max(segments[0].BaseOffset, ReadOffset(folder, LogStartFile));
        log.Publish(Math.Max(segments[^1].NextOffset, log._logStart));
        log._cleanedTo = Math.Min(ReadOffset(folder, CleanedToFile), log.LogEnd);
        return log;
    }

    /// <summary>The producers whose transaction is open in this partition.</summary>
    public List<(long ProducerId, short Epoch)> OpenTransactions()
    {
        lock (_gate)
        {
            return _producers.Open();
        }
    }

    private static LogSegment[] OpenSegments(string folder, TopicConfig config, long nowMs, LogContext context)
    {
        var paths = Directory.GetFiles(folder, "*" + LogSegment.Suffix);
        Array.Sort(paths, StringComparer.Ordinal);
        if (paths.Length == 0)
        {
            var first = LogSegment.Create(folder, ReadOffset(folder, LogStartFile), config.IndexIntervalBytes, nowMs);
            if (context.FlushAlways)
            {
                FolderFlush.Flush(folder);
            }
            return [first];
        }
        var segments = new List<LogSegment>();
        foreach (var path in paths)
        {
            var segment = LogSegment.Open(
                path,
                config.IndexIntervalBytes,
                nowMs,
                context.TrustsUnflushed,
                out var cutOff
            );
            segments.Add(segment);
            if (cutOff > 0 && path == paths[^1])
            {
                BrokerLog.TornTail(context.Logger, path, cutOff);
            }
            else if (cutOff > 0)
            {
                BrokerLog.Damaged(context.Logger, path, cutOff);
            }
            if (segment.BytesVerified > 0 && path != paths[^1])
            {
                // What was found whole need not be walked again at the next start.
                segment.Flush();
                segment.Seal();
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
                    var commit = batch.IsControl && ControlBatch.IsCommit(scanner.CurrentBytes());
                    producers.Apply(batch, batch.BaseOffset, commit, nowMs);
                }
            }
        }
    }

    private static long ReadOffset(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        return File.Exists(path) && File.ReadAllBytes(path) is { Length: sizeof(long) } bytes
            ? BitConverter.ToInt64(bytes)
            : 0;
    }
}
