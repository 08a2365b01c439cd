namespace EventStream.Contracts;

/// <summary>
/// The quality of one viewing session so far, from event time (CTA-2066 words). Durations in milliseconds, bitrate in
/// kbit/s. <c>StartupMs</c> is null while, or if, the video never started. Average bitrate is weighted by time
/// played.
/// </summary>
public sealed record SessionQuality(
    double? StartupMs,
    int StallCount,
    double StallMs,
    double PlayedMs,
    double WatchedMs,
    double? AverageBitrateKbps,
    int SwitchCount,
    int FailureCount,
    bool Failed,
    bool ExitedBeforeStart
);

/// <summary>
/// What a session is about: the video, the edge that served most of it, the viewer's region as the player reports it,
/// or else the edge's, device class and player.
/// </summary>
public sealed record SessionSubject(string VideoId, string Edge, string Region, string Device, string Player);

/// <summary>
/// What of a session happened at one edge, which is in <paramref name="Region"/>: time played and stalled while
/// the player loaded from it, in milliseconds, whether the video started there, and the requests of the session that
/// its log has. <paramref name="RequestErrors"/> are answers of 5xx and time-outs.
/// </summary>
public sealed record SessionEdge(
    string Edge,
    string Region,
    double PlayedMs,
    int StallCount,
    double StallMs,
    bool Started,
    long Requests,
    long Bytes,
    long RequestErrors
);

/// <summary>
/// A session is going on; sent at each window that has reports of it. <paramref name="Edges"/> has the part of each
/// edge, the one that served most first; null in older records.
/// </summary>
[WireName("qoe.session-updated.v1")]
public sealed record SessionUpdated(
    string SessionId,
    SessionSubject Subject,
    string State,
    SessionQuality Quality,
    int Beacons,
    DateTimeOffset StartedAt,
    DateTimeOffset LastHeardAt,
    IReadOnlyList<SessionEdge>? Edges = null
) : IEvent;

/// <summary>
/// A session is over. <paramref name="EndReason"/>: ended, quit, fatal or timeout. <paramref name="Edges"/> as in
/// <see cref="SessionUpdated"/>.
/// </summary>
[WireName("qoe.session-finished.v1")]
public sealed record SessionFinished(
    string SessionId,
    SessionSubject Subject,
    string EndReason,
    SessionQuality Quality,
    int Beacons,
    DateTimeOffset StartedAt,
    DateTimeOffset EndedAt,
    IReadOnlyList<SessionEdge>? Edges = null
) : IEvent;

/// <summary>
/// Ten seconds of event time for one video, edge, region and device, closed when the grace period has passed. A
/// session's time is split over the windows it spans, and belongs to the edge that it loaded from at the time.
/// Durations in milliseconds, bitrate in kbit/s (weighted by time played), bytes served. <c>RequestErrors</c> are the
/// edge's own: answers of 5xx and time-outs, not requests that it was right to refuse.
/// </summary>
[WireName("qoe.window-closed.v1")]
public sealed record QoeWindowClosed(
    DateTimeOffset WindowStart,
    DateTimeOffset WindowEnd,
    SessionSubject Subject,
    int Sessions,
    int Starts,
    double? StartupMsMean,
    double? StartupMsMax,
    int StallCount,
    double StallMs,
    double PlayedMs,
    double? AverageBitrateKbps,
    int SwitchCount,
    int FailureCount,
    int ExitsBeforeStart,
    long Requests,
    long Bytes,
    long CacheHits,
    long RequestErrors
) : IEvent;

/// <summary>
/// A rule found quality below its bound. Rate and threshold in the unit that <paramref name="Rule"/> names.
/// </summary>
[WireName("qoe.alert-raised.v1")]
public sealed record QoeAlertRaised(
    string AlertId,
    string Rule,
    string Dimension,
    double Value,
    double Threshold,
    DateTimeOffset WindowStart,
    DateTimeOffset RaisedAt
) : IEvent;

/// <summary>
/// One step of a load series; <paramref name="Time"/> is the step's start. <paramref name="Resource"/> is
/// <c>viewers</c>, <c>edge:edge-a:requests</c> or <c>edge:edge-a:bytes</c>. Of viewers <paramref name="Value"/> is how
/// many watch at an instant, averaged over the step, and <paramref name="Peak"/> the most that watch at one instant of
/// it; requests and bytes are the sum over the step and have no peak. Of the encoders' lanes, <c>fast</c> (probe, first
/// rung and main sound) and <c>heavy</c> (the rest), <c>encode:fast:waiting</c> is how many seconds of work wait for a
/// worker at the end of the step, and <c>encode:fast:arriving</c> how many became known in it. A step without any load
/// is reported as zero; a step that could not be measured is not reported.
/// </summary>
[WireName("traffic.load-measured.v1")]
public sealed record LoadMeasured(
    string Resource,
    DateTimeOffset Time,
    double StepSeconds,
    double Value,
    string Unit,
    double? Peak = null
) : IEvent
{
    /// <summary>How the names of the encoders' resources begin.</summary>
    public const string OfEncoding = "encode:";
}

/// <summary>
/// A record that could not be processed: its origin, who gave it up and why. Key and value in base64; a value that
/// would not fit into a record is cut, which the cause says. <paramref name="ExceptionType"/> is null where the record
/// could not be read, <paramref name="Attempts"/> counts the calls of the handler.
/// </summary>
[WireName("dead.letter.v1")]
public sealed record RecordDeadLettered(
    string Topic,
    int Partition,
    long Offset,
    string Group,
    string Type,
    string Cause,
    string KeyBase64,
    string ValueBase64,
    DateTimeOffset At,
    string? ExceptionType = null,
    int? Attempts = null,
    string? EventId = null,
    DateTimeOffset? RecordTime = null
) : IEvent;
