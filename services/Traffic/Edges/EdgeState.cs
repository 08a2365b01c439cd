using EventStream.Contracts;
using EventStream.Hosting;

namespace EventStream.Traffic.Edges;

/// <summary>
/// What a probe found. Duration in milliseconds; <paramref name="Error"/> is null where the edge answered well.
/// </summary>
internal sealed record ProbeResult(double DurationMs, string? Error)
{
    public bool Succeeded => Error is null;
}

/// <summary>
/// What policies see of an edge. Health 0 (down) to 1; load in requests per second and as a share, 0..1, of all
/// edges' load.
/// </summary>
public sealed record EdgeView(
    string Name,
    string Region,
    bool IsUp,
    DateTimeOffset UpSince,
    double Health,
    double LoadPerSecond,
    double LoadShare
);

/// <summary>
/// All that is known of one edge; immutable, each method returns the next state. An edge is
/// taken to be up until the first probe, and the first probe decides alone; later ones count by rise and fall.
/// </summary>
internal sealed record EdgeState(PlatformEdge Edge)
{
    // How much of the score one per cent of stalls or errors takes: a tenth of the time in stalls costs a quarter.
    private const double StallCost = 2.5;
    private const double ErrorCost = 2;

    // An edge that answers is always better than one that does not.
    private const double HealthOfWorstUp = 0.1;
    private static readonly TimeSpan LoadValidity = TimeSpan.FromSeconds(60);

    public bool IsUp { get; init; } = true;

    public bool WasProbed { get; init; }

    /// <summary>Since when the edge has been up without a break; the start of time where it never was down.</summary>
    public DateTimeOffset UpSince { get; init; } = DateTimeOffset.MinValue;

    /// <summary>Probes in a row that said the opposite of <see cref="IsUp"/>.</summary>
    public int Contradictions { get; init; }

    public ProbeResult? LastProbe { get; init; }

    public EdgeQuality Quality { get; init; } = EdgeQuality.None;

    public DateTimeOffset LoadWindowEnd { get; init; } = DateTimeOffset.MinValue;

    public double LoadPerSecond { get; init; }

    public EdgeState Probed(ProbeResult result, DateTimeOffset now, int rise, int fall)
    {
        var contradictions = result.Succeeded == IsUp ? 0 : Contradictions + 1;
        var needed =
            !WasProbed ? 1
            : IsUp ? fall
            : rise;
        var turns = contradictions >= needed;
        return this with
        {
            WasProbed = true,
            LastProbe = result,
            Contradictions = turns ? 0 : contradictions,
            IsUp = turns ? result.Succeeded : IsUp,
            UpSince = turns && result.Succeeded ? now : UpSince,
        };
    }

    public EdgeState Viewed(QoeWindowClosed window, TimeSpan halfLife)
    {
        var seconds = Math.Max(1, (window.WindowEnd - window.WindowStart).TotalSeconds);
        var load = window.Requests / seconds;
        var next = this with { Quality = Quality.Add(window, halfLife) };
        // The windows of videos and devices of one period add up; a later period starts from zero.
        if (window.WindowEnd == LoadWindowEnd)
            return next with { LoadPerSecond = LoadPerSecond + load };
        return window.WindowEnd > LoadWindowEnd
            ? next with
            {
                LoadPerSecond = load,
                LoadWindowEnd = window.WindowEnd,
            }
            : next;
    }

    public double Health(DateTimeOffset now, TimeSpan halfLife)
    {
        if (!IsUp)
            return 0;
        var loss = (StallCost * Quality.StallRatio(now, halfLife)) + (ErrorCost * Quality.ErrorRatio(now, halfLife));
        return Math.Max(HealthOfWorstUp, 1 - loss);
    }

    public double Load(DateTimeOffset now) => now - LoadWindowEnd <= LoadValidity ? LoadPerSecond : 0;
}
