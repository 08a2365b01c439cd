using System.Diagnostics;
using System.Diagnostics.Metrics;
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
    private readonly Counter<long> _writeFailures;
    private readonly Histogram<double> _requests;
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
        _writeFailures = Count("broker.log.write.failures", "{batch}", "Batches that the disk refused");
        _requests = Meter.CreateHistogram<double>(
            "broker.request.duration",
            "s",
            "From the request read to the answer made, waiting included, by API"
        );
    }

    public Meter Meter { get; } = new(MeterName);

    public long GarbageFrames => Interlocked.Read(ref _garbageFrames);

    public long AuthenticationsFailed => Interlocked.Read(ref _authenticationsFailed);

    /// <summary>How many times a segment was flushed to the disk.</summary>
    public long Flushes => Interlocked.Read(ref _flushCount);

    public void CountGarbage()
    {
        Interlocked.Increment(ref _garbageFrames);
        _garbage.Add(1);
    }

    public void CountAuthenticationFailed()
    {
        Interlocked.Increment(ref _authenticationsFailed);
        _authenticationFailed.Add(1);
    }

    public void CountRefused() => _refused.Add(1);

    public void CountWriteFailure() => _writeFailures.Add(1);

    public void CountFlush() => Interlocked.Increment(ref _flushCount);

    /// <summary>When a request began to be served, for <see cref="CountRequest"/>.</summary>
    public long StartRequest() => _requests.Enabled ? Stopwatch.GetTimestamp() : 0;

    public void CountRequest(ApiKey api, long started)
    {
        if (started != 0)
        {
            var tag = KeyValuePair.Create<string, object?>("api", api.ToString());
            _requests.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, tag);
        }
    }

    public void Dispose() => Meter.Dispose();

    private Counter<long> Count(string name, string unit, string description) =>
        Meter.CreateCounter<long>(name, unit, description);
}
