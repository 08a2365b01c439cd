using EventStream.Contracts;

namespace EventStream.Qoe.Sessions;

/// <summary>
/// The quality of a session from its state, in the words of CTA-2066, and scores from 0 to 100 in the manner of Mux
/// Data.
/// </summary>
public static class SessionScore
{
    /// <summary>
    /// The figures so far. Stalls come from the player's states; from its own totals (<c>bsa</c>, <c>bsd</c>,
    /// <c>bsda</c>) where it never reports the state <c>r</c>.
    /// </summary>
    public static SessionQuality Of(SessionState s)
    {
        var reported = !s.ReportsStallState;
        var failed = s.Failed || (s.FirstPlayAt is null && s.FailureCount > 0);
        return new SessionQuality(
            s.StartupMs,
            reported && s.ReportedStallCount is { } count ? (int)count : s.StallCount,
            reported && s.ReportedStallMs is { } ms ? ms : s.StallMs,
            s.PlayedMs,
            s.WatchedMs,
            s.BitrateKnownMs > 0 ? s.BitrateMs / s.BitrateKnownMs : null,
            s.SwitchCount,
            s.FailureCount,
            failed,
            ExitedBeforeStart: !s.Live && !failed && s.FirstPlayAt is null && s.RequestedAt is not null
        );
    }

    /// <summary>8 / (8 + startup in seconds), times 100; null where the video did not start.</summary>
    public static double? Startup(SessionQuality quality) =>
        quality.StartupMs is { } ms ? 100 * 8 / (8 + (ms / 1000)) : null;

    /// <summary>
    /// The mean of a score for how often, and one for how long, playback stalled; null where nothing was watched.
    /// </summary>
    public static double? Smoothness(SessionQuality quality)
    {
        if (quality.WatchedMs <= 0)
            return null;
        var often = 100 / Math.Sqrt(1 + Math.Pow(quality.StallCount / 2.0, 2));
        var longTime = 100 * Math.Exp(-10 * quality.StallMs / quality.WatchedMs);
        return (often + longTime) / 2;
    }

    /// <summary>100 played, 50 left before the start, 0 failed.</summary>
    public static double Success(SessionQuality quality) =>
        quality.Failed ? 0
        : quality.ExitedBeforeStart ? 50
        : 100;
}
