using EventStream.Contracts;

namespace EventStream.Traffic.Edges;

/// <summary>
/// What viewers got from an edge lately: stalls and errors of closed windows, each counting half after a half-life,
/// so that an edge that is not used any more becomes good again and is tried again. Times in milliseconds.
/// Immutable.
/// </summary>
internal sealed record EdgeQuality(DateTimeOffset At, double StallMs, double PlayedMs, double Requests, double Errors)
{
    // Good viewing assumed beside what was seen, so that one viewer's hiccup does not condemn an edge.
    private const double AssumedPlayedMs = 30_000;
    private const double AssumedRequests = 20;

    public static readonly EdgeQuality None = new(DateTimeOffset.MinValue, 0, 0, 0, 0);

    /// <summary>Share of viewing time spent in stalls, 0..1.</summary>
    public double StallRatio(DateTimeOffset now, TimeSpan halfLife)
    {
        var weight = Weight(now - At, halfLife);
        return weight * StallMs / ((weight * (StallMs + PlayedMs)) + AssumedPlayedMs);
    }

    /// <summary>Share of requests that failed, 0..1.</summary>
    public double ErrorRatio(DateTimeOffset now, TimeSpan halfLife)
    {
        var weight = Weight(now - At, halfLife);
        return Math.Min(1, weight * Errors / ((weight * Requests) + AssumedRequests));
    }

    /// <summary>The quality after one more window, which counts by its own age.</summary>
    public EdgeQuality Add(QoeWindowClosed window, TimeSpan halfLife)
    {
        var at = window.WindowEnd > At ? window.WindowEnd : At;
        var old = At == DateTimeOffset.MinValue ? 0 : Weight(at - At, halfLife);
        var added = Weight(at - window.WindowEnd, halfLife);
        return new EdgeQuality(
            at,
            (old * StallMs) + (added * window.StallMs),
            (old * PlayedMs) + (added * window.PlayedMs),
            (old * Requests) + (added * window.Requests),
            (old * Errors) + (added * window.RequestErrors)
        );
    }

    private static double Weight(TimeSpan age, TimeSpan halfLife) =>
        age <= TimeSpan.Zero ? 1 : Math.Pow(0.5, age / halfLife);
}
