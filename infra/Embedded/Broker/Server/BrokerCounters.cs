using System.Diagnostics;
using System.Diagnostics.Metrics;
using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Server;

/// <summary>
/// What the broker counts as it works, published as the meter <c>EventStream.Broker</c>; what it is in at a moment is
/// in <see cref="BrokerGauges"/>. Nobody listening, a count costs a look at a flag.
/// </summary>
internal sealed class BrokerCounters : IDisposable
{
    public const string MeterName = "EventStream.Broker";
    private readonly Counter<long> _garbage;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _authenticationFailed;
    private readonly Counter<long> _received;
    private readonly Counter<long> _sent;
    private readonly Counter<long> _appended;
    private readonly Counter<long> _writeFailures;
    private readonly Histogram<double> _requests;
    private readonly Histogram<double> _flushes;
    private readonly Counter<long> _compactions;
    private readonly Counter<long> _compactedIn;
    private readonly Counter<long> _compactedOut;
    private readonly Counter<long> _recordsRemoved;
    private readonly Counter<long> _batchesUnread;
    private long _garbageFrames;
    private long _authenticationsFailed;
    private long _flushCount;

    public BrokerCounters()
    {
        _garbage = Count("broker.frames.garbage", "{frame}", "Connections closed for bytes that are no request");
        _refused = Count("broker.connections.refused", "{connection}", "Connections above the bound");
        _authenticationFailed = Count(
            "broker.authentication.failed",
            "{attempt}",
            "TLS handshakes and SASL exchanges that failed"
        );
        _received = Count("broker.bytes.received", "By", "Request bytes, by API");
        _sent = Count("broker.bytes.sent", "By", "Response bytes, by API");
        _appended = Count("broker.bytes.appended", "By", "Record bytes that producers sent");
        _writeFailures = Count("broker.log.write.failures", "{batch}", "Batches that the disk refused");
        _requests = Meter.CreateHistogram<double>(
            "broker.request.duration",
            "s",
            "From the request read to the answer made, waiting included, by API"
        );
        _flushes = Meter.CreateHistogram<double>("broker.log.flush.duration", "s", "Flushes of segments to the disk");
        _compactions = Count("broker.compaction.runs", "{run}", "Compactions of a partition");
        _compactedIn = Count("broker.compaction.bytes.read", "By", "Bytes of segments before compaction");
        _compactedOut = Count("broker.compaction.bytes.written", "By", "Bytes of segments after compaction");
        _recordsRemoved = Count("broker.compaction.records.removed", "{record}", "Records that compaction removed");
        _batchesUnread = Count(
            "broker.compaction.batches.unread",
            "{batch}",
            "Batches that compaction kept since it cannot unpack them"
        );
    }

    public Meter Meter { get; } = new(MeterName);

    public long GarbageFrames => Interlocked.Read(ref _garbageFrames);

    /// <summary>How many times a segment was flushed to the disk.</summary>
    public long Flushes => Interlocked.Read(ref _flushCount);

    public void CountGarbage()
    {
        Interlocked.Increment(ref _garbageFrames);
        _garbage.Add(1);
    }

    public long AuthenticationsFailed => Interlocked.Read(ref _authenticationsFailed);

    public void CountAuthenticationFailed()
    {
        Interlocked.Increment(ref _authenticationsFailed);
        _authenticationFailed.Add(1);
    }

    public void CountRefused() => _refused.Add(1);

    public void CountAppended(int bytes) => _appended.Add(bytes);

    public void CountWriteFailure() => _writeFailures.Add(1);

    /// <summary>When a request began to be served, for <see cref="CountRequest"/>.</summary>
    public long StartRequest() => _requests.Enabled ? Stopwatch.GetTimestamp() : 0;

    public void CountRequest(ApiKey api, long started, int bytesReceived)
    {
        if (started != 0)
        {
            var tag = ApiTags.Of(api);
            _requests.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, tag);
            _received.Add(bytesReceived, tag);
        }
    }

    public void CountSent(ApiKey api, int bytes)
    {
        if (_sent.Enabled)
        {
            _sent.Add(bytes, ApiTags.Of(api));
        }
    }

    public long StartFlush() => _flushes.Enabled ? Stopwatch.GetTimestamp() : 0;

    public void CountFlush(long started)
    {
        Interlocked.Increment(ref _flushCount);
        if (started != 0)
        {
            _flushes.Record(Stopwatch.GetElapsedTime(started).TotalSeconds);
        }
    }

    public void CountCompaction(CompactionResult result)
    {
        _compactions.Add(1);
        _compactedIn.Add(result.BytesBefore);
        _compactedOut.Add(result.BytesAfter);
        _recordsRemoved.Add(result.RecordsRemoved);
        _batchesUnread.Add(result.BatchesUnread);
    }

    public void Dispose() => Meter.Dispose();

    private Counter<long> Count(string name, string unit, string description) =>
        Meter.CreateCounter<long>(name, unit, description);
}
