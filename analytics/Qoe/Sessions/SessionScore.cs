using EventStream.Contracts;

namespace EventStream.Qoe.Sessions;

/// <summary>
/// The quality of a session from its state, in the words of CTA-2066.
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
}
