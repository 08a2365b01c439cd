using EventStream.Contracts;

namespace EventStream.Qoe;

/// <summary>
/// What happened in one window for one video, edge, region and device: a share of it, or the sum. Durations in
/// milliseconds; <c>BitrateMs</c> is kbit/s times milliseconds played at it, so that averages are made after adding
/// up.
/// </summary>
public sealed record WindowFigures
{
    public required SessionSubject Subject { get; init; }

    /// <summary>A moment within the window that the share belongs to.</summary>
    public DateTimeOffset Time { get; init; }

    public int Sessions { get; init; }
    public int Starts { get; init; }
    public int StartupsKnown { get; init; }
    public double StartupMsSum { get; init; }
    public double StartupMsMax { get; init; }
    public int StallCount { get; init; }
    public double StallMs { get; init; }
    public double PlayedMs { get; init; }
    public double BitrateMs { get; init; }
    public double BitrateKnownMs { get; init; }
    public int SwitchCount { get; init; }
    public int FailureCount { get; init; }
    public int ExitsBeforeStart { get; init; }
    public long Requests { get; init; }
    public long Bytes { get; init; }
    public long CacheHits { get; init; }
    public long RequestErrors { get; init; }

    /// <summary>The topic key of the dimensions.</summary>
    public static string KeyOf(SessionSubject subject) =>
        $"{subject.VideoId}|{subject.Edge}|{subject.Region}|{subject.Device}";

    /// <summary>
    /// The sum of two shares; the subject and time are those of the other, so that a sum may begin empty.
    /// </summary>
    public WindowFigures Plus(WindowFigures other) =>
        new()
        {
            Subject = other.Subject,
            Time = other.Time,
            Sessions = Sessions + other.Sessions,
            Starts = Starts + other.Starts,
            StartupsKnown = StartupsKnown + other.StartupsKnown,
            StartupMsSum = StartupMsSum + other.StartupMsSum,
            StartupMsMax = Math.Max(StartupMsMax, other.StartupMsMax),
            StallCount = StallCount + other.StallCount,
            StallMs = StallMs + other.StallMs,
            PlayedMs = PlayedMs + other.PlayedMs,
            BitrateMs = BitrateMs + other.BitrateMs,
            BitrateKnownMs = BitrateKnownMs + other.BitrateKnownMs,
            SwitchCount = SwitchCount + other.SwitchCount,
            FailureCount = FailureCount + other.FailureCount,
            ExitsBeforeStart = ExitsBeforeStart + other.ExitsBeforeStart,
            Requests = Requests + other.Requests,
            Bytes = Bytes + other.Bytes,
            CacheHits = CacheHits + other.CacheHits,
            RequestErrors = RequestErrors + other.RequestErrors,
        };

    /// <summary>The message about a closed window.</summary>
    public QoeWindowClosed Close(DateTimeOffset start, DateTimeOffset end) =>
        new(
            start,
            end,
            Subject,
            Sessions,
            Starts,
            StartupsKnown > 0 ? StartupMsSum / StartupsKnown : null,
            StartupsKnown > 0 ? StartupMsMax : null,
            StallCount,
            StallMs,
            PlayedMs,
            BitrateKnownMs > 0 ? BitrateMs / BitrateKnownMs : null,
            SwitchCount,
            FailureCount,
            ExitsBeforeStart,
            Requests,
            Bytes,
            CacheHits,
            RequestErrors
        );
}
