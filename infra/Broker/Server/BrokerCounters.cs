using System.Diagnostics.Metrics;

namespace EventStream.Broker.Server;

/// <summary>What the broker counts, also published as the meter <c>EventStream.Broker</c>.</summary>
internal sealed class BrokerCounters : IDisposable
{
    private readonly Meter _meter = new("EventStream.Broker");
    private readonly Counter<long> _garbage;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _authenticationFailed;
    private readonly Counter<long> _sent;
    private readonly Counter<long> _appended;
    private long _garbageFrames;
    private long _authenticationsFailed;

    public BrokerCounters()
    {
        _garbage = _meter.CreateCounter<long>(
            "broker.frames.garbage", "{frame}", "Connections closed for bytes that are no request");
        _refused = _meter.CreateCounter<long>(
            "broker.connections.refused", "{connection}", "Connections above the bound");
        _authenticationFailed = _meter.CreateCounter<long>(
            "broker.authentication.failed", "{attempt}", "TLS handshakes and SASL exchanges that failed");
        _sent = _meter.CreateCounter<long>("broker.bytes.sent", "By", "Response bytes");
        _appended = _meter.CreateCounter<long>("broker.bytes.appended", "By", "Record bytes appended");
    }

    public long GarbageFrames => Interlocked.Read(ref _garbageFrames);

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

    public void CountSent(int bytes) => _sent.Add(bytes);

    public void CountAppended(int bytes) => _appended.Add(bytes);

    public void Dispose() => _meter.Dispose();
}
