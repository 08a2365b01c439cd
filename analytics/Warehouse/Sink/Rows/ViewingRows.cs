using EventStream.Contracts;
using Column = ClickHouse.Driver.ClickHouseColumnAttribute;

namespace EventStream.Warehouse.Sink.Rows;

/// <summary>A row of <c>es.beacons</c>.</summary>
public sealed class BeaconRow(SinkRecord record, BeaconReceived beacon) : StoredRow(record)
{
    [Column(Name = "time")]
    public DateTime Time => Utc(beacon.Time);

    [Column(Name = "received_at")]
    public DateTime ReceivedAt => Utc(beacon.ReceivedAt);

    [Column(Name = "session_id")]
    public string SessionId => Text(beacon.SessionId);

    [Column(Name = "content_id")]
    public string ContentId => Text(beacon.ContentId);

    [Column(Name = "version")]
    public byte Version => (byte)Math.Clamp(beacon.Version, 0, byte.MaxValue);

    [Column(Name = "event")]
    public string Event => Text(beacon.Event);

    [Column(Name = "sequence")]
    public long? Sequence => beacon.Sequence;

    [Column(Name = "state")]
    public string State => Text(beacon.State);

    [Column(Name = "bitrate_kbps")]
    public double? BitrateKbps => Known(beacon.BitrateKbps);

    [Column(Name = "playhead_bitrate_kbps")]
    public double? PlayheadBitrateKbps => Known(beacon.PlayheadBitrateKbps);

    [Column(Name = "top_bitrate_kbps")]
    public double? TopBitrateKbps => Known(beacon.TopBitrateKbps);

    [Column(Name = "throughput_kbps")]
    public double? ThroughputKbps => Known(beacon.ThroughputKbps);

    [Column(Name = "buffer_ms")]
    public double? BufferMs => Known(beacon.BufferMs);

    [Column(Name = "buffer_starved")]
    public bool BufferStarved => beacon.BufferStarved;

    [Column(Name = "stall_ms")]
    public double? StallMs => Known(beacon.StallMs);

    [Column(Name = "stall_count_total")]
    public double? StallCountTotal => Known(beacon.StallCountTotal);

    [Column(Name = "stall_ms_total")]
    public double? StallMsTotal => Known(beacon.StallMsTotal);

    [Column(Name = "start_delay_ms")]
    public double? StartDelayMs => Known(beacon.StartDelayMs);

    [Column(Name = "playhead_ms")]
    public double? PlayheadMs => Known(beacon.PlayheadMs);

    [Column(Name = "playback_rate")]
    public double? PlaybackRate => Known(beacon.PlaybackRate);

    [Column(Name = "response_code")]
    public int? ResponseCode => beacon.ResponseCode;

    [Column(Name = "ttfb_ms")]
    public double? TtfbMs => Known(beacon.TtfbMs);

    [Column(Name = "ttlb_ms")]
    public double? TtlbMs => Known(beacon.TtlbMs);

    [Column(Name = "url")]
    public string Url => Text(beacon.Url);

    [Column(Name = "hostname")]
    public string Hostname => Text(beacon.Hostname);

    [Column(Name = "object_type")]
    public string ObjectType => Text(beacon.ObjectType);

    [Column(Name = "stream_type")]
    public string StreamType => Text(beacon.StreamType);

    [Column(Name = "stream_format")]
    public string StreamFormat => Text(beacon.StreamFormat);

    [Column(Name = "object_duration_ms")]
    public double? ObjectDurationMs => Known(beacon.ObjectDurationMs);

    [Column(Name = "dropped_frames")]
    public int? DroppedFrames => beacon.DroppedFrames;

    [Column(Name = "error_codes")]
    public string[] ErrorCodes => Texts(beacon.ErrorCodes);

    [Column(Name = "player")]
    public string Player => Text(beacon.Player);

    [Column(Name = "region")]
    public string Region => Text(beacon.Region);

    [Column(Name = "device")]
    public string Device => Text(beacon.Device);

    [Column(Name = "edge")]
    public string Edge => Text(beacon.Edge);

    [Column(Name = "raw")]
    public string Raw => Text(beacon.Raw);

    [Column(Name = "proven")]
    public bool Proven => beacon.Proven;
}

/// <summary>A row of <c>es.requests</c>.</summary>
public sealed class RequestRow(SinkRecord record, CdnRequestServed request) : StoredRow(record)
{
    [Column(Name = "time")]
    public DateTime Time => Utc(request.Time);

    [Column(Name = "edge")]
    public string Edge => Text(request.Edge);

    [Column(Name = "region")]
    public string Region => Text(request.Region);

    [Column(Name = "session_id")]
    public string SessionId => Text(request.SessionId);

    [Column(Name = "video_id")]
    public string VideoId => Text(request.VideoId);

    [Column(Name = "rendition")]
    public string Rendition => Text(request.Rendition);

    [Column(Name = "method")]
    public string Method => Text(request.Method);

    [Column(Name = "path")]
    public string Path => Text(request.Path);

    [Column(Name = "status")]
    public ushort Status => (ushort)Math.Clamp(request.Status, 0, ushort.MaxValue);

    [Column(Name = "bytes")]
    public ulong Bytes => (ulong)Math.Max(0, request.Bytes);

    [Column(Name = "duration_ms")]
    public double DurationMs => Number(request.DurationMs);

    [Column(Name = "upstream_ms")]
    public double? UpstreamMs => Known(request.UpstreamMs);

    [Column(Name = "cache_status")]
    public string CacheStatus => Text(request.CacheStatus);

    [Column(Name = "user_agent")]
    public string UserAgent => Text(request.UserAgent);

    [Column(Name = "cmcd")]
    public string Cmcd => Text(request.Cmcd);

    [Column(Name = "request_id")]
    public string RequestId => Text(request.RequestId);

    [Column(Name = "signed")]
    public bool Signed => request.Signed;
}
