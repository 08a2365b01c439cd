using EventStream.Contracts;

namespace EventStream.Warehouse.Sink;

/// <summary>The tables and how each message becomes its columns. The names are those of the schema's SQL.</summary>
public static class TableRows
{
    public const string Beacons = "es.beacons", Requests = "es.requests", Windows = "es.qoe_windows",
        Sessions = "es.sessions", SessionEdges = "es.session_edges", SessionUpdates = "es.session_updates",
        Alerts = "es.alerts", OperatorActions = "es.operator_actions", DomainEvents = "es.domain_events",
        Load = "es.load", Forecasts = "es.forecasts", Decisions = "es.decisions", DeadLetters = "es.dead_letters";

    /// <summary>Every table that the sink fills.</summary>
    public static readonly IReadOnlyList<string> All =
    [
        Beacons, Requests, Windows, Sessions, SessionEdges, SessionUpdates, Alerts, OperatorActions, DomainEvents, Load,
        Forecasts, Decisions, DeadLetters,
    ];

    public static void Write(RowWriter row, BeaconReceived beacon) => row
        .Time("time", beacon.Time).Time("received_at", beacon.ReceivedAt)
        .Text("session_id", beacon.SessionId).Text("content_id", beacon.ContentId)
        .Count("version", Math.Clamp(beacon.Version, 0, 255)).Text("event", beacon.Event)
        .Count("sequence", beacon.Sequence).Text("state", beacon.State)
        .Number("bitrate_kbps", beacon.BitrateKbps).Number("playhead_bitrate_kbps", beacon.PlayheadBitrateKbps)
        .Number("top_bitrate_kbps", beacon.TopBitrateKbps).Number("throughput_kbps", beacon.ThroughputKbps)
        .Number("buffer_ms", beacon.BufferMs).Flag("buffer_starved", beacon.BufferStarved)
        .Number("stall_ms", beacon.StallMs).Number("stall_count_total", beacon.StallCountTotal)
        .Number("stall_ms_total", beacon.StallMsTotal).Number("start_delay_ms", beacon.StartDelayMs)
        .Number("playhead_ms", beacon.PlayheadMs).Number("playback_rate", beacon.PlaybackRate)
        .Count("response_code", beacon.ResponseCode).Number("ttfb_ms", beacon.TtfbMs).Number("ttlb_ms", beacon.TtlbMs)
        .Text("url", beacon.Url).Text("hostname", beacon.Hostname).Text("object_type", beacon.ObjectType)
        .Text("stream_type", beacon.StreamType).Text("stream_format", beacon.StreamFormat)
        .Number("object_duration_ms", beacon.ObjectDurationMs).Count("dropped_frames", beacon.DroppedFrames)
        .Texts("error_codes", beacon.ErrorCodes).Text("player", beacon.Player).Text("region", beacon.Region)
        .Text("device", beacon.Device).Text("edge", beacon.Edge).Text("raw", beacon.Raw)
        .Flag("proven", beacon.Proven);

    public static void Write(RowWriter row, CdnRequestServed request) => row
        .Time("time", request.Time).Text("edge", request.Edge).Text("region", request.Region)
        .Text("session_id", request.SessionId).Text("video_id", request.VideoId).Text("rendition", request.Rendition)
        .Text("method", request.Method).Text("path", request.Path)
        .Count("status", Math.Clamp(request.Status, 0, ushort.MaxValue)).Count("bytes", Math.Max(0, request.Bytes))
        .Number("duration_ms", request.DurationMs).Number("upstream_ms", request.UpstreamMs)
        .Text("cache_status", request.CacheStatus).Text("user_agent", request.UserAgent).Text("cmcd", request.Cmcd)
        .Text("request_id", request.RequestId).Flag("signed", request.Signed);

    public static void Write(RowWriter row, QoeWindowClosed window)
    {
        row.Time("window_start", window.WindowStart).Time("window_end", window.WindowEnd);
        Write(row, window.Subject);
        row.Count("sessions", window.Sessions).Count("starts", window.Starts)
            .Number("startup_ms_mean", window.StartupMsMean).Number("startup_ms_max", window.StartupMsMax)
            .Count("stall_count", window.StallCount).Number("stall_ms", window.StallMs)
            .Number("played_ms", window.PlayedMs)
            .Number("average_bitrate_kbps", window.AverageBitrateKbps).Count("switch_count", window.SwitchCount)
            .Count("failure_count", window.FailureCount).Count("exits_before_start", window.ExitsBeforeStart)
            .Count("requests", window.Requests).Count("bytes", window.Bytes).Count("cache_hits", window.CacheHits)
            .Count("request_errors", window.RequestErrors);
    }

    public static void Write(RowWriter row, SessionFinished session)
    {
        row.Text("session_id", session.SessionId).Time("started_at", session.StartedAt)
            .Time("ended_at", session.EndedAt)
            .Text("end_reason", session.EndReason).Count("beacons", session.Beacons);
        Write(row, session.Subject);
        Write(row, session.Quality);
    }

    /// <summary>What of a session happened at one edge; a session is as many rows as it used edges.</summary>
    public static void Write(RowWriter row, SessionFinished session, SessionEdge part) => row
        .Text("session_id", session.SessionId).Time("started_at", session.StartedAt).Time("ended_at", session.EndedAt)
        .Text("video_id", session.Subject.VideoId).Text("device", session.Subject.Device)
        .Text("player", session.Subject.Player).Text("edge", part.Edge).Text("region", part.Region)
        .Number("played_ms", part.PlayedMs).Count("stall_count", part.StallCount).Number("stall_ms", part.StallMs)
        .Flag("started", part.Started).Count("requests", part.Requests).Count("bytes", part.Bytes)
        .Count("request_errors", part.RequestErrors);

    public static void Write(RowWriter row, SessionUpdated session)
    {
        row.Text("session_id", session.SessionId).Time("started_at", session.StartedAt)
            .Time("last_heard_at", session.LastHeardAt).Text("state", session.State).Count("beacons", session.Beacons);
        Write(row, session.Subject);
        Write(row, session.Quality);
    }

    public static void Write(RowWriter row, QoeAlertRaised alert) => row
        .Time("raised_at", alert.RaisedAt).Time("window_start", alert.WindowStart).Text("alert_id", alert.AlertId)
        .Text("rule", alert.Rule).Text("dimension", alert.Dimension).Number("value", alert.Value)
        .Number("threshold", alert.Threshold);

    public static void Write(RowWriter row, LoadMeasured load) => row
        .Text("resource", load.Resource).Time("time", load.Time).Number("step_seconds", load.StepSeconds)
        .Number("value", load.Value).Number("peak", load.Peak).Text("unit", load.Unit);

    /// <summary>One step of a forecast; a forecast is as many rows as it has steps.</summary>
    public static void Write(RowWriter row, ForecastPublished forecast, int step) => row
        .Text("resource", forecast.Resource).Time("origin", forecast.Origin).Time("time", forecast.Steps[step].Time)
        .Count("step", step + 1).Number("step_seconds", forecast.StepSeconds).Text("model", forecast.Model)
        .Count("history_steps", Math.Max(0, forecast.HistorySteps)).Numbers("weights", forecast.Weights)
        .Number("q50", forecast.Steps[step].Q50).Number("q90", forecast.Steps[step].Q90)
        .Number("q95", forecast.Steps[step].Q95).Number("q99", forecast.Steps[step].Q99);

    public static void Write(RowWriter row, ScaleDecided decision) => row
        .Text("kind", "scale").Time("time", decision.Time).Text("target", decision.Target).Text("rule", decision.Rule)
        .Text("reason", decision.Reason).Text("resource", decision.Resource)
        .Count("current_replicas", decision.CurrentReplicas).Count("desired_replicas", decision.DesiredReplicas)
        .Number("last_load", decision.LastLoad).Number("forecast_load", decision.ForecastLoad)
        .Flag("applied", decision.Applied).NullableText("error", decision.Error);

    public static void Write(RowWriter row, SteeringDecided decision) => row
        .Text("kind", "steering").Time("time", decision.DecidedAt).Text("target", decision.Policy)
        .Text("rule", decision.Policy).Text("reason", decision.Reason)
        .Texts("pathway_priority", decision.PathwayPriority).Numbers("health", decision.Health);

    public static void Write(RowWriter row, OperatorActed acted) => row
        .Time("time", acted.At).Text("action", acted.Action).Text("target", acted.Target).Text("who", acted.Who)
        .Text("role", acted.Role).Text("reason", acted.Reason).Text("detail", acted.Detail);

    public static void Write(RowWriter row, RecordDeadLettered letter) => row
        .Time("time", letter.At).Text("source_topic", letter.Topic)
        .Count("source_partition", Math.Max(0, letter.Partition))
        .Count("source_offset", letter.Offset).Text("consumer_group", letter.Group).Text("type", letter.Type)
        .Text("cause", letter.Cause).Text("key_base64", letter.KeyBase64).Text("value_base64", letter.ValueBase64);

    private static void Write(RowWriter row, SessionSubject subject) => row
        .Text("video_id", subject.VideoId).Text("edge", subject.Edge).Text("region", subject.Region)
        .Text("device", subject.Device).Text("player", subject.Player);

    private static void Write(RowWriter row, SessionQuality quality) => row
        .Number("startup_ms", quality.StartupMs).Count("stall_count", quality.StallCount)
        .Number("stall_ms", quality.StallMs).Number("played_ms", quality.PlayedMs)
        .Number("watched_ms", quality.WatchedMs)
        .Number("average_bitrate_kbps", quality.AverageBitrateKbps).Count("switch_count", quality.SwitchCount)
        .Count("failure_count", quality.FailureCount).Flag("failed", quality.Failed)
        .Flag("exited_before_start", quality.ExitedBeforeStart);
}
