using EventStream.Embedded.Broker.Server;
using Microsoft.Extensions.Logging;

namespace EventStream.Embedded.Broker.Log;

/// <summary>
/// What every log of a broker shares. <paramref name="TrustsUnflushed"/> says that the machine has run since the logs
/// were last written, so that what was written then is there whether it was flushed or not.
/// </summary>
internal sealed record LogContext(
    TimeProvider Time,
    ILogger Logger,
    bool FlushAlways,
    BrokerCounters Counters,
    bool TrustsUnflushed = true
);
