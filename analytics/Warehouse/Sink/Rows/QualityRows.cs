using EventStream.Contracts;
using Column = ClickHouse.Driver.ClickHouseColumnAttribute;

namespace EventStream.Warehouse.Sink.Rows;

/// <summary>What rows about a group of sessions have in common: whom they are about.</summary>
public abstract class SubjectRow(SinkRecord record, SessionSubject? about) : StoredRow(record)
{
    private readonly SessionSubject subject = Needed(about, "subject");

    [Column(Name = "video_id")]
    public string VideoId => Text(subject.VideoId);

    [Column(Name = "edge")]
    public string Edge => Text(subject.Edge);

    [Column(Name = "region")]
    public string Region => Text(subject.Region);

    [Column(Name = "device")]
    public string Device => Text(subject.Device);

    [Column(Name = "player")]
    public string Player => Text(subject.Player);
}

/// <summary>What rows about one session have in common: its quality until then.</summary>
public abstract class QualityRow(SinkRecord record, SessionSubject? about, SessionQuality? until)
    : SubjectRow(record, about)
{
    private readonly SessionQuality quality = Needed(until, "quality");

    [Column(Name = "startup_ms")]
    public double? StartupMs => Known(quality.StartupMs);

    [Column(Name = "stall_count")]
    public long StallCount => quality.StallCount;

    [Column(Name = "stall_ms")]
    public double StallMs => Number(quality.StallMs);

    [Column(Name = "played_ms")]
    public double PlayedMs => Number(quality.PlayedMs);

    [Column(Name = "watched_ms")]
    public double WatchedMs => Number(quality.WatchedMs);

    [Column(Name = "average_bitrate_kbps")]
    public double? AverageBitrateKbps => Known(quality.AverageBitrateKbps);

    [Column(Name = "switch_count")]
    public long SwitchCount => quality.SwitchCount;

    [Column(Name = "failure_count")]
    public long FailureCount => quality.FailureCount;

    [Column(Name = "failed")]
    public bool Failed => quality.Failed;

    [Column(Name = "exited_before_start")]
    public bool ExitedBeforeStart => quality.ExitedBeforeStart;
}

/// <summary>A row of <c>es.sessions</c>.</summary>
public sealed class SessionRow(SinkRecord record, SessionFinished session)
    : QualityRow(record, session.Subject, session.Quality)
{
    [Column(Name = "session_id")]
    public string SessionId => Text(session.SessionId);

    [Column(Name = "started_at")]
    public DateTime StartedAt => Utc(session.StartedAt);

    [Column(Name = "ended_at")]
    public DateTime EndedAt => Utc(session.EndedAt);

    [Column(Name = "end_reason")]
    public string EndReason => Text(session.EndReason);

    [Column(Name = "beacons")]
    public long Beacons => session.Beacons;
}

/// <summary>A row of <c>es.session_updates</c>.</summary>
public sealed class SessionUpdateRow(SinkRecord record, SessionUpdated session)
    : QualityRow(record, session.Subject, session.Quality)
{
    [Column(Name = "session_id")]
    public string SessionId => Text(session.SessionId);

    [Column(Name = "started_at")]
    public DateTime StartedAt => Utc(session.StartedAt);

    [Column(Name = "last_heard_at")]
    public DateTime LastHeardAt => Utc(session.LastHeardAt);

    [Column(Name = "state")]
    public string State => Text(session.State);

    [Column(Name = "beacons")]
    public long Beacons => session.Beacons;
}

/// <summary>A row of <c>es.session_edges</c>: what of a session happened at one edge.</summary>
public sealed class SessionEdgeRow(SinkRecord record, SessionFinished session, SessionEdge part) : StoredRow(record)
{
    private readonly SessionSubject subject = Needed(session.Subject, "subject");

    [Column(Name = "session_id")]
    public string SessionId => Text(session.SessionId);

    [Column(Name = "started_at")]
    public DateTime StartedAt => Utc(session.StartedAt);

    [Column(Name = "ended_at")]
    public DateTime EndedAt => Utc(session.EndedAt);

    [Column(Name = "video_id")]
    public string VideoId => Text(subject.VideoId);

    [Column(Name = "device")]
    public string Device => Text(subject.Device);

    [Column(Name = "player")]
    public string Player => Text(subject.Player);

    [Column(Name = "edge")]
    public string Edge => Text(part.Edge);

    [Column(Name = "region")]
    public string Region => Text(part.Region);

    [Column(Name = "played_ms")]
    public double PlayedMs => Number(part.PlayedMs);

    [Column(Name = "stall_count")]
    public long StallCount => part.StallCount;

    [Column(Name = "stall_ms")]
    public double StallMs => Number(part.StallMs);

    [Column(Name = "started")]
    public bool Started => part.Started;

    [Column(Name = "requests")]
    public long Requests => part.Requests;

    [Column(Name = "bytes")]
    public long Bytes => part.Bytes;

    [Column(Name = "request_errors")]
    public long RequestErrors => part.RequestErrors;
}

/// <summary>A row of <c>es.qoe_windows</c>.</summary>
public sealed class WindowRow(SinkRecord record, QoeWindowClosed window) : SubjectRow(record, window.Subject)
{
    [Column(Name = "window_start")]
    public DateTime WindowStart => Utc(window.WindowStart);

    [Column(Name = "window_end")]
    public DateTime WindowEnd => Utc(window.WindowEnd);

    [Column(Name = "sessions")]
    public long Sessions => window.Sessions;

    [Column(Name = "starts")]
    public long Starts => window.Starts;

    [Column(Name = "startup_ms_mean")]
    public double? StartupMsMean => Known(window.StartupMsMean);

    [Column(Name = "startup_ms_max")]
    public double? StartupMsMax => Known(window.StartupMsMax);

    [Column(Name = "stall_count")]
    public long StallCount => window.StallCount;

    [Column(Name = "stall_ms")]
    public double StallMs => Number(window.StallMs);

    [Column(Name = "played_ms")]
    public double PlayedMs => Number(window.PlayedMs);

    [Column(Name = "average_bitrate_kbps")]
    public double? AverageBitrateKbps => Known(window.AverageBitrateKbps);

    [Column(Name = "switch_count")]
    public long SwitchCount => window.SwitchCount;

    [Column(Name = "failure_count")]
    public long FailureCount => window.FailureCount;

    [Column(Name = "exits_before_start")]
    public long ExitsBeforeStart => window.ExitsBeforeStart;

    [Column(Name = "requests")]
    public long Requests => window.Requests;

    [Column(Name = "bytes")]
    public long Bytes => window.Bytes;

    [Column(Name = "cache_hits")]
    public long CacheHits => window.CacheHits;

    [Column(Name = "request_errors")]
    public long RequestErrors => window.RequestErrors;
}

/// <summary>A row of <c>es.alerts</c>.</summary>
public sealed class AlertRow(SinkRecord record, QoeAlertRaised alert) : StoredRow(record)
{
    [Column(Name = "raised_at")]
    public DateTime RaisedAt => Utc(alert.RaisedAt);

    [Column(Name = "window_start")]
    public DateTime WindowStart => Utc(alert.WindowStart);

    [Column(Name = "alert_id")]
    public string AlertId => Text(alert.AlertId);

    [Column(Name = "rule")]
    public string Rule => Text(alert.Rule);

    [Column(Name = "dimension")]
    public string Dimension => Text(alert.Dimension);

    [Column(Name = "value")]
    public double Value => Number(alert.Value);

    [Column(Name = "threshold")]
    public double Threshold => Number(alert.Threshold);
}
