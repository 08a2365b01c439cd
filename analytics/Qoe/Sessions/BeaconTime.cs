using EventStream.Contracts;

namespace EventStream.Qoe.Sessions;

/// <summary>When a report or a request was made, as far as its own clock can be believed.</summary>
public static class BeaconTime
{
    /// <summary>No response takes longer; a greater <c>ttlb</c> is a player's mistake.</summary>
    private const double ResponseMsMax = 600_000;

    /// <summary>
    /// The report's <c>ts</c>. A response report (<c>rr</c>) carries the time of the request, so the time to its last
    /// byte is added. A time ahead of the collector's clock by more than the allowed skew would close everyone's
    /// windows; the time of receipt is taken instead.
    /// </summary>
    public static DateTimeOffset Of(BeaconReceived beacon, QoeOptions options)
    {
        var time = beacon.Time;
        if (beacon is { Event: PlayerEvent.Response, TtlbMs: > 0 and < ResponseMsMax })
            time = time.AddMilliseconds(beacon.TtlbMs.Value);
        return time > beacon.ReceivedAt.AddSeconds(options.ClockSkewSeconds) ? beacon.ReceivedAt : time;
    }

    /// <summary>
    /// The stream time that a report gives. One that is not proven moves time as silence does, by the collector's
    /// clock: it can neither hurry windows to their end nor hold them open.
    /// </summary>
    public static DateTimeOffset OfStream(BeaconReceived beacon, QoeOptions options) =>
        beacon.Proven ? Of(beacon, options) : beacon.ReceivedAt.AddSeconds(-options.IdleAdvanceSeconds);

    /// <summary>The stream time that a line of a log gives, likewise; it arrived at the collector's clock.</summary>
    public static DateTimeOffset OfStream(CdnRequestServed request, DateTimeOffset arrived, QoeOptions options) =>
        !request.Signed ? arrived.AddSeconds(-options.IdleAdvanceSeconds)
        : request.Time > arrived.AddSeconds(options.ClockSkewSeconds) ? arrived
        : request.Time;
}
