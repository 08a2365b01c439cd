namespace EventStream.Contracts;

/// <summary>
/// One CMCD record (CTA-5004-B, event mode, or version 1) as the player sent it, with its line kept unmodified in
/// <c>Raw</c>. Bitrates and throughput in kbit/s, durations in milliseconds, as in the standard. <c>Time</c> is the
/// record's own <c>ts</c>, <c>ReceivedAt</c> the collector's clock. List-valued keys carry the video value, or the
/// only one, here.
/// </summary>
[WireName("playback.beacon.v1")]
public sealed record BeaconReceived : IEvent
{
    public required string SessionId { get; init; }
    public string? ContentId { get; init; }
    public required int Version { get; init; }

    /// <summary>
    /// The CMCD event token <c>e</c>: ps, e, t, rr, bc, ... ; <c>v1</c> for a version 1 request record.
    /// </summary>
    public required string Event { get; init; }
    public required DateTimeOffset Time { get; init; }
    public required DateTimeOffset ReceivedAt { get; init; }
    public long? Sequence { get; init; }

    /// <summary>The player state <c>sta</c>: s, p, k, r, a, w, e, f, q or d.</summary>
    public string? State { get; init; }
    public double? BitrateKbps { get; init; }
    public double? PlayheadBitrateKbps { get; init; }
    public double? TopBitrateKbps { get; init; }
    public double? ThroughputKbps { get; init; }
    public double? BufferMs { get; init; }
    public bool BufferStarved { get; init; }

    /// <summary>Durations of stalls that ended since the last report (<c>bsd</c>), summed.</summary>
    public double? StallMs { get; init; }
    public double? StallCountTotal { get; init; }
    public double? StallMsTotal { get; init; }
    public double? StartDelayMs { get; init; }
    public double? PlayheadMs { get; init; }
    public double? PlaybackRate { get; init; }
    public int? ResponseCode { get; init; }
    public double? TtfbMs { get; init; }
    public double? TtlbMs { get; init; }
    public string? Url { get; init; }
    public string? Hostname { get; init; }
    public string? ObjectType { get; init; }
    public string? StreamType { get; init; }
    public string? StreamFormat { get; init; }
    public double? ObjectDurationMs { get; init; }
    public int? DroppedFrames { get; init; }
    public IReadOnlyList<string>? ErrorCodes { get; init; }

    /// <summary>
    /// What the request said besides the record: player name, viewer's region, device class from the user agent.
    /// </summary>
    public string Player { get; init; } = "";
    public string Region { get; init; } = "";
    public string Device { get; init; } = "";

    /// <summary>The edge named in <c>Url</c> or by <c>Hostname</c>, where one is known.</summary>
    public string Edge { get; init; } = "";
    public required string Raw { get; init; }

    /// <summary>
    /// True where the report carried the proof that Playback opened its session for its video. False also for records
    /// from before proofs: nobody checked them. What is not proven is kept, and never steers, alerts, scales or counts.
    /// </summary>
    public bool Proven { get; init; }
}

/// <summary>
/// One line of an edge's access log. Times in milliseconds, sizes in bytes; <c>CacheStatus</c> is nginx's word (HIT,
/// MISS, ...). The session is that of the request's signed prefix, or of its CMCD where it has none; the video is
/// that of its path.
/// </summary>
[WireName("cdn.request.v1")]
public sealed record CdnRequestServed : IEvent
{
    public required DateTimeOffset Time { get; init; }
    public required string Edge { get; init; }
    public string Region { get; init; } = "";
    public string? SessionId { get; init; }
    public string? VideoId { get; init; }
    public string Rendition { get; init; } = "";
    public required string Method { get; init; }
    public required string Path { get; init; }
    public required int Status { get; init; }
    public required long Bytes { get; init; }
    public double DurationMs { get; init; }
    public double? UpstreamMs { get; init; }
    public string CacheStatus { get; init; } = "";
    public string UserAgent { get; init; } = "";
    public string Cmcd { get; init; } = "";
    public string RequestId { get; init; } = "";

    /// <summary>
    /// True where the edge found the request's prefix signed by Playback for its session and video, and not expired.
    /// False also for lines from before the edge said so. Anybody can send the others: they are kept, and never steer,
    /// alert, scale or count.
    /// </summary>
    public bool Signed { get; init; }
}
