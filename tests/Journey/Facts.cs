using System.Globalization;

namespace EventStream.Journey;

/// <summary>
/// What one viewer's own page measured. Times in milliseconds, position in seconds; bitrates in kbit/s, on the screen
/// and in the mean.
/// </summary>
public sealed record BrowserFacts(
    string SessionId,
    double? StartupMs,
    int Stalls,
    double StallMs,
    int Switches,
    double? BitrateKbps,
    double? MeanKbps,
    double PositionSeconds,
    string Edge
);

/// <summary>What the platform says of the same session, by SQL.</summary>
public sealed record PlatformFacts(
    double? StartupMs,
    int Stalls,
    double StallMs,
    int Switches,
    double? MeanKbps,
    double PlayedMs,
    string Status,
    string Edge,
    int Beacons,
    int EdgeRequests
);

/// <summary>A viewer of the journey: the two measurements side by side.</summary>
public sealed record ViewerFacts(string Name, string Player, BrowserFacts Browser)
{
    public PlatformFacts? Platform { get; set; }
}

/// <summary>One rung or other task of the encode. Seconds since the upload was complete.</summary>
public sealed record TaskFacts(string Task, double StartedSeconds, double DoneSeconds, string Worker);

/// <summary>Everything that the journey learnt, for the report.</summary>
public sealed class Facts
{
    public IReadOnlyList<ProcessFacts> Idle { get; set; } = [];
    public IReadOnlyList<ProcessFacts> Busy { get; set; } = [];
    public string VideoId { get; set; } = "";
    public long SourceBytes { get; set; }
    public string SourceSha256 { get; set; } = "";
    public long ResumedOffset { get; set; }
    public double UploadMegabytesPerSecond { get; set; }
    public double FirstRungSeconds { get; set; }

    /// <summary>Bits per second of all pictures, and what the standard ladder gives them.</summary>
    public long LadderBps { get; set; }
    public long StandardLadderBps { get; set; }

    public double SavedPercent => 100 - (100.0 * LadderBps / StandardLadderBps);

    public string LadderWords =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"the pictures take {LadderBps / 1e6:0.0} Mbit/s together, by the standard ladder "
                + $"{StandardLadderBps / 1e6:0.0}: {SavedPercent:0} % saved"
        );
    public double PublishedSeconds { get; set; }
    public IReadOnlyList<TaskFacts> Tasks { get; set; } = [];
    public IReadOnlyList<string> Timeline { get; set; } = [];
    public List<ViewerFacts> Viewers { get; } = [];
    public List<string> Refusals { get; } = [];
    public string Failover { get; set; } = "";
    public double BeaconP50Ms { get; set; }
    public double BeaconP99Ms { get; set; }
    public IReadOnlyList<ForecastPoint> Forecast { get; set; } = [];
    public double ForecastMape { get; set; }
    public double NaiveMape { get; set; }
    public double CoverageQ95 { get; set; }
    public IReadOnlyList<DecisionFacts> Decisions { get; set; } = [];
    public IReadOnlyList<WorkerSample> Workers { get; set; } = [];
    public string Load { get; set; } = "";
    public IReadOnlyList<(string Topic, long Records)> Topics { get; set; } = [];
    public IReadOnlyList<(string Edge, double Requests, double HitRatio)> Edges { get; set; } = [];
    public TimeSpan Total { get; set; }
}

/// <summary>A step of the load with the forecast made before it. Seconds since the first step; viewers.</summary>
public sealed record ForecastPoint(double Seconds, double? Actual, double? Q50, double? Q95, double? Q99);

/// <summary>A decision that changed the number of replicas.</summary>
public sealed record DecisionFacts(double Seconds, int From, int To, bool Applied, string Reason);

/// <summary>Encode worker processes that really ran at a moment.</summary>
public sealed record WorkerSample(double Seconds, int Processes);
