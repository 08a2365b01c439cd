using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;
using Microsoft.Extensions.Logging;

namespace EventStream.Embedded.Broker.Log;

/// <summary>
/// What an append led to. Times are milliseconds since 1970, -1 where the producer's time is kept. Of a refused batch
/// <paramref name="Records"/> are the bad ones, where it is known which.
/// </summary>
internal readonly record struct AppendResult(
    ErrorCode Error,
    long BaseOffset = -1,
    long LogAppendTimeMs = -1,
    long LogStart = -1,
    string? Message = null,
    IReadOnlyList<RecordError>? Records = null
);

/// <summary>
/// The log of one partition owns its records: segments in ascending order, of which the last is written. Appends take
/// the lock; reads go by what has been published and take none. A batch is in the file (and so survives the process)
/// before it is visible.
/// </summary>
internal sealed partial class PartitionLog
{
    /// <summary>There is one broker and it never loses leadership, so that the epoch never changes.</summary>
    public const int LeaderEpoch = 0;

    private readonly Lock _gate = new();
    private readonly string _folder;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly BrokerCounters _counters;
    private readonly bool _flushAlways;
    private readonly ProducerStates _producers;
    private readonly List<IAppendListener> _listeners = [];
    private volatile LogSegment[] _segments;
    private volatile IAppendListener[] _listenersNow = [];
    private TopicConfig _config;
    private long _logStart;
    private long _logEnd;
    private long _lastStable;
    private volatile bool _closed;
    private volatile bool _isFailing;

    public long LogStart => Volatile.Read(ref _logStart);

    /// <summary>The offset that the next record gets; with one replica also the high watermark.</summary>
    public long LogEnd => Volatile.Read(ref _logEnd);

    /// <summary>Everything before this offset is decided: committed, aborted or never part of a transaction.</summary>
    public long LastStable => Volatile.Read(ref _lastStable);

    /// <summary>Whether the disk refused the newest batch.</summary>
    public bool IsFailing => _isFailing;

    private LogSegment Active => _segments[^1];

    /// <summary>Checks and appends one batch of a producer, whose bytes are changed in place.</summary>
    public AppendResult Append(Span<byte> batch)
    {
        var (error, message, records) = BatchRules.Check(batch, Volatile.Read(ref _config), NowMs(), out var header);
        if (error != ErrorCode.None)
        {
            return new AppendResult(error, Message: message, Records: records);
        }
        AppendResult result;
        lock (_gate)
        {
            result = AppendLocked(batch, header);
        }
        NotifyListeners();
        return result;
    }

    /// <summary>
    /// Ends the transaction of a producer in this partition; a marker without an open transaction does no harm.
    /// </summary>
    /// <exception cref="IOException">The disk refused; the marker is to be written again.</exception>
    public void AppendMarker(long producerId, short epoch, bool commit)
    {
        var nowMs = NowMs();
        var batch = ControlBatch.EndOfTransaction(producerId, epoch, commit, nowMs);
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }
            Write(batch, BatchHeader.Read(batch), commit, nowMs);
        }
        NotifyListeners();
    }

    /// <summary>
    /// Notifies the listener of every change of <see cref="LogEnd"/> or <see cref="LastStable"/> until it is removed.
    /// </summary>
    public void AddListener(IAppendListener listener)
    {
        lock (_listeners)
        {
            _listeners.Add(listener);
            _listenersNow = [.. _listeners];
        }
    }

    public void RemoveListener(IAppendListener listener)
    {
        lock (_listeners)
        {
            _listeners.Remove(listener);
            _listenersNow = [.. _listeners];
        }
    }

    public void Configure(TopicConfig config) => Volatile.Write(ref _config, config);

    private AppendResult AppendLocked(Span<byte> batch, in BatchHeader header)
    {
        if (_closed)
        {
            return new AppendResult(ErrorCode.UnknownTopicOrPartition);
        }
        if (header.HasProducerId)
        {
            var error = _producers.Check(header, out var duplicateOffset);
            if (error != ErrorCode.None || duplicateOffset >= 0)
            {
                return new AppendResult(error, duplicateOffset, -1, LogStart);
            }
        }
        var nowMs = NowMs();
        var stamped = header;
        if (_config.LogAppendTime)
        {
            BatchHeader.WriteLogAppendTime(batch, nowMs);
            stamped = BatchHeader.Read(batch);
        }
        try
        {
            var baseOffset = Write(batch, stamped, commit: false, nowMs);
            NoteWritten();
            return new AppendResult(ErrorCode.None, baseOffset, _config.LogAppendTime ? nowMs : -1, LogStart);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            NoteFailure(e);
            return new AppendResult(ErrorCode.KafkaStorageError);
        }
    }

    /// <summary>A full disk is said once, when it begins, and once when it is over, not at every batch.</summary>
    public void NoteFailure(Exception e)
    {
        _counters.CountWriteFailure();
        if (!_isFailing)
        {
            _isFailing = true;
            BrokerLog.AppendFailed(_logger, e, _folder);
        }
    }

    private void NoteWritten()
    {
        if (_isFailing)
        {
            _isFailing = false;
            BrokerLog.AppendsAgain(_logger, _folder);
        }
    }

    private long Write(Span<byte> batch, in BatchHeader header, bool commit, long nowMs)
    {
        RollIfDue(batch.Length, header.MaxTimestamp, nowMs);
        var baseOffset = _logEnd;
        BatchHeader.WritePlace(batch, baseOffset, LeaderEpoch);
        Active.Append(batch, header, baseOffset);
        _producers.Apply(header, baseOffset, commit, nowMs);
        Publish(baseOffset + header.LastOffsetDelta + 1);
        return baseOffset;
    }

    private void Publish(long logEnd)
    {
        Volatile.Write(ref _logEnd, logEnd);
        Volatile.Write(ref _lastStable, Math.Min(_producers.FirstOpenOffset, logEnd));
    }

    private void NotifyListeners()
    {
        foreach (var listener in _listenersNow)
        {
            listener.OnAppend();
        }
    }

    private long NowMs() => _time.GetUtcNow().ToUnixTimeMilliseconds();
}

/// <summary>Someone who waits for a log to grow.</summary>
internal interface IAppendListener
{
    /// <summary>Called on the thread that appended; returns at once.</summary>
    void OnAppend();
}
