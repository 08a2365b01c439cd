using EventStream.Contracts;

namespace EventStream.Qoe.Sessions;

/// <summary>
/// A bitrate that the player has begun to load. It is seen when the media buffered before it has been played,
/// provided that media of it has arrived.
/// </summary>
public sealed record AnnouncedBitrate(double Kbps, double DuePlayedMs, bool Arrived);

/// <summary>
/// One viewing session as its reports describe it: who and what, how far the timeline is known, what has been counted,
/// and which reports wait for earlier ones. Values only; what they become is in <see cref="SessionTimeline"/> and
/// <see cref="SessionOrder"/>.
/// </summary>
public sealed record SessionState
{
    public required string SessionId { get; init; }
    public required SessionSubject Subject { get; init; }
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>Event time of the latest report.</summary>
    public required DateTimeOffset LastHeardAt { get; init; }

    /// <summary>Until when the timeline is booked.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The player state <c>sta</c> since <see cref="At"/> or before; empty until one is reported.</summary>
    public string Phase { get; init; } = "";

    /// <summary>When the viewer asked for playback.</summary>
    public DateTimeOffset? RequestedAt { get; init; }
    public DateTimeOffset? FirstPlayAt { get; init; }
    public double? StartupMs { get; init; }

    /// <summary>From a seek to the next playing: waiting in between is the seek's, not a stall.</summary>
    public bool Seeking { get; init; }

    /// <summary>Start of a stall that is going on.</summary>
    public DateTimeOffset? StallFrom { get; init; }
    public bool StallCounted { get; init; }
    public int StallCount { get; init; }
    public double StallMs { get; init; }
    public bool ReportsStallState { get; init; }
    public double? ReportedStallCount { get; init; }
    public double? ReportedStallMs { get; init; }
    public double PlayedMs { get; init; }
    public double WatchedMs { get; init; }

    /// <summary>
    /// The bitrate that the player last gave as its playhead's (<c>pb</c>), kbit/s; the mean is made of it, where a
    /// player reports it.
    /// </summary>
    public double? PlayheadBitrate { get; init; }

    /// <summary>Bitrate on the screen as it follows from what was loaded and buffered, kbit/s.</summary>
    public double? Bitrate { get; init; }
    public bool ReportsPlayhead { get; init; }

    /// <summary>Whether media of <see cref="Bitrate"/> has arrived; asked before playback begins.</summary>
    public bool MediaArrived { get; init; }

    /// <summary>The buffer length last reported, and the time played when what was in it then is over.</summary>
    public double? BufferMs { get; init; }
    public double BufferEndMs { get; init; }

    /// <summary>Whether the player measures the buffer for each report, and not only when it appends.</summary>
    public bool MeasuresAtReport { get; init; }
    public IReadOnlyList<AnnouncedBitrate> Announced { get; init; } = [];

    /// <summary>Time played when the last response was reported; null for a player that reports none.</summary>
    public double? PlayedMsAtLastResponse { get; init; }
    public double BitrateMs { get; init; }
    public double BitrateKnownMs { get; init; }
    public int SwitchCount { get; init; }
    public int FailureCount { get; init; }
    public DateTimeOffset? LastFailureAt { get; init; }
    public bool Failed { get; init; }
    public DateTimeOffset? EndedAt { get; init; }
    public string? EndReason { get; init; }
    public int Beacons { get; init; }
    public int Duplicates { get; init; }
    public int Late { get; init; }

    /// <summary>The sequence number that comes next; null until the first is accepted.</summary>
    public long? NextSequence { get; init; }

    /// <summary>
    /// Reports that wait for earlier ones, by sequence number; at most <see cref="SessionOrder.HeldMax"/>.
    /// </summary>
    public IReadOnlyList<BeaconReceived> Held { get; init; } = [];

    /// <summary>Fingerprints of the latest reports, by which repeated ones are recognized.</summary>
    public IReadOnlyList<long> Recent { get; init; } = [];

    /// <summary>The last window in which the session was counted as one, and under which dimensions.</summary>
    public DateTimeOffset? CountedIn { get; init; }
    public IReadOnlyList<string> CountedKeys { get; init; } = [];

    /// <summary>What happened at which edge; the edge is empty where the player has not named one yet.</summary>
    public IReadOnlyList<SessionEdge> Edges { get; init; } = [];

    /// <summary>
    /// The edge whose log last named the session: the one in use, for a player that does not name it.
    /// </summary>
    public string LogEdge { get; init; } = "";

    /// <summary>The edge that the player loads from; empty while it is not known.</summary>
    public string Edge => Subject.Edge.Length > 0 ? Subject.Edge : LogEdge;

    /// <summary>Whether the end has been sent.</summary>
    public bool Sent { get; init; }

    /// <summary>When the session was last reported as live, and whether something changed since.</summary>
    public DateTimeOffset UpdatedAt { get; init; }
    public bool Changed { get; init; }

    public bool Live => EndReason is null;

    /// <summary>A session at its first report.</summary>
    public static SessionState Begin(BeaconReceived first, DateTimeOffset at) =>
        new()
        {
            SessionId = first.SessionId,
            Subject = new SessionSubject(first.ContentId ?? "", first.Edge, first.Region, first.Device, first.Player),
            StartedAt = at,
            LastHeardAt = at,
            At = at,
            UpdatedAt = DateTimeOffset.MinValue,
        };
}
