using EventStream.Contracts;

namespace EventStream.Qoe.Alerts;

/// <summary>
/// Thresholds over one closed window. The rule's name says the unit: a ratio from 0 to 1, or milliseconds.
/// </summary>
public static class AlertRules
{
    /// <summary>What a window gives cause for; nothing where it has too few sessions to judge.</summary>
    public static IEnumerable<QoeAlertRaised> Check(QoeWindowClosed window, QoeOptions options)
    {
        if (window.Sessions < options.AlertSessionsMin)
            yield break;
        var busy = window.StallMs + window.PlayedMs;
        if (busy > 0 && window.StallMs / busy > options.AlertStallRatio)
            yield return Alert(window, "stall-ratio", window.StallMs / busy, options.AlertStallRatio);
        if (window.StartupMsMean is { } startup && startup > options.AlertStartupMs)
            yield return Alert(window, "startup-ms", startup, options.AlertStartupMs);
        var failed = Math.Min(1, (double)window.FailureCount / window.Sessions);
        if (failed > options.AlertFailureRatio)
            yield return Alert(window, "failure-ratio", failed, options.AlertFailureRatio);
    }

    private static QoeAlertRaised Alert(QoeWindowClosed window, string rule, double value, double threshold)
    {
        var dimension = WindowFigures.KeyOf(window.Subject);
        return new QoeAlertRaised(
            $"{rule}|{dimension}|{window.WindowStart.ToUnixTimeSeconds()}",
            rule,
            dimension,
            value,
            threshold,
            window.WindowStart,
            window.WindowEnd
        );
    }
}
