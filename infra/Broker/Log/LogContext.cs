using Microsoft.Extensions.Logging;

namespace EventStream.Broker.Log;

/// <summary>What every log of a broker shares.</summary>
internal sealed record LogContext(TimeProvider Time, ILogger Logger, bool FlushAlways);
