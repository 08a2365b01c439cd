namespace EventStream.Contracts;

/// <summary>
/// A topic: what its key means, who writes and reads it, how many partitions, how long it is kept (null: without end).
/// </summary>
public sealed record Topic(
    string Name,
    string Key,
    string Writers,
    string Readers,
    int Partitions,
    TimeSpan? Retention,
    bool Compacted = false
)
{
    /// <summary>The messages that travel on it.</summary>
    public IReadOnlyList<Type> Messages { get; init; } = [];

    public override string ToString() => Name;
}

/// <summary>The map of the system: every topic, one line each.</summary>
public static class Topics
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    public static readonly Topic VideoEvents = new(
        "video.events",
        "video id",
        "EventStore",
        "Encode Playback Upload Warehouse",
        6,
        null
    )
    {
        Messages =
        [
            typeof(VideoRegistered),
            typeof(VideoUploaded),
            typeof(VideoProbed),
            typeof(VideoEncodePlanned),
            typeof(VideoLadderChosen),
            typeof(VideoRenditionEncoded),
            typeof(VideoChunkEncoded),
            typeof(VideoPlayable),
            typeof(VideoThumbnailsMade),
            typeof(VideoThumbnailsMissing),
            typeof(VideoSubtitlesMade),
            typeof(VideoCaptionsSet),
            typeof(VideoCaptionsRemoved),
            typeof(VideoQualityMeasured),
            typeof(VideoRungsDeferred),
            typeof(VideoRenditionsEvicted),
            typeof(VideoPublished),
            typeof(VideoRejected),
            typeof(VideoEncodeFailed),
            typeof(VideoDescribed),
            typeof(VideoEncodeCancelled),
            typeof(VideoEditionRequested),
            typeof(VideoEditionPublished),
            typeof(VideoDeleted),
            typeof(StreamTombstoned),
        ],
    };
    public static readonly Topic EncodeCommandsFirst = new(
        "encode.commands.first",
        "video id/task",
        "EventStore",
        "Encode",
        6,
        7 * Day
    )
    {
        Messages = [typeof(ProbeSource), typeof(EncodeRung), typeof(EncodeAudio), typeof(JoinChunks)],
    };
    public static readonly Topic EncodeCommands = new(
        "encode.commands",
        "video id/task",
        "EventStore",
        "Encode",
        12,
        7 * Day
    )
    {
        Messages =
        [
            typeof(EncodeRung),
            typeof(EncodeHighRange),
            typeof(EncodeLadder),
            typeof(EncodeAudio),
            typeof(MakeThumbnails),
            typeof(MakeSubtitles),
            typeof(AnalyseSource),
            typeof(MeasureQuality),
        ],
    };
    public static readonly Topic EncodeEvents = new(
        "encode.events",
        "video id",
        "Encode EventStore",
        "Encode Upload Warehouse",
        6,
        30 * Day
    )
    {
        Messages =
        [
            typeof(SourceProbed),
            typeof(SourceRejected),
            typeof(EncodePlanned),
            typeof(SourceAnalysed),
            typeof(EncodeLadderChosen),
            typeof(EncodeRungsDeferred),
            typeof(EncodeRungsRequested),
            typeof(EncodeRungsEvicted),
            typeof(EncodeTaskStarted),
            typeof(EncodeTaskProgressed),
            typeof(RenditionEncoded),
            typeof(ChunkEncoded),
            typeof(ThumbnailsMade),
            typeof(SubtitlesMade),
            typeof(QualityMeasured),
            typeof(EncodeTaskFailed),
            typeof(EncodeCompleted),
            typeof(EncodeTaskResent),
            typeof(EncodeTaskFinished),
            typeof(EncodeStopped),
        ],
    };
    public static readonly Topic PlaybackBeacons = new(
        "playback.beacons",
        "session id",
        "Collect",
        "Qoe Warehouse",
        6,
        7 * Day
    )
    {
        Messages = [typeof(BeaconReceived)],
    };
    public static readonly Topic CdnRequests = new(
        "cdn.requests",
        "session id, or edge",
        "Collect",
        "Qoe Warehouse",
        6,
        7 * Day
    )
    {
        Messages = [typeof(CdnRequestServed)],
    };
    public static readonly Topic QoeSessions = new(
        "qoe.sessions",
        "session id",
        "Qoe",
        "Encode Warehouse Console",
        6,
        30 * Day
    )
    {
        Messages = [typeof(SessionUpdated), typeof(SessionFinished)],
    };
    public static readonly Topic QoeWindows = new(
        "qoe.windows",
        "video|edge|region|device",
        "Qoe",
        "Traffic Warehouse Console",
        6,
        30 * Day
    )
    {
        Messages = [typeof(QoeWindowClosed)],
    };
    public static readonly Topic QoeAlerts = new("qoe.alerts", "alert id", "Qoe", "Console Warehouse", 3, 30 * Day)
    {
        Messages = [typeof(QoeAlertRaised)],
    };
    public static readonly Topic TrafficLoad = new(
        "traffic.load",
        "resource",
        "Qoe Encode",
        "Capacity Warehouse Console",
        3,
        60 * Day
    )
    {
        Messages = [typeof(LoadMeasured)],
    };
    public static readonly Topic CapacityForecasts = new(
        "capacity.forecasts",
        "resource",
        "Capacity",
        "Warehouse Console",
        3,
        30 * Day
    )
    {
        Messages = [typeof(ForecastPublished)],
    };
    public static readonly Topic CapacityDecisions = new(
        "capacity.decisions",
        "target",
        "Capacity",
        "Capacity Warehouse Console",
        3,
        30 * Day
    )
    {
        Messages = [typeof(ScaleDecided)],
    };
    public static readonly Topic TrafficDecisions = new(
        "traffic.decisions",
        "policy",
        "Traffic",
        "Warehouse Console",
        3,
        30 * Day
    )
    {
        Messages = [typeof(SteeringDecided)],
    };
    public static readonly Topic DeadLetters = new(
        "dead.letters",
        "original topic",
        "Messaging",
        "Console Warehouse",
        3,
        30 * Day
    )
    {
        Messages = [typeof(RecordDeadLettered)],
    };

    public static readonly Topic OperatorActions = new(
        "operator.actions",
        "target",
        "Cli",
        "Warehouse Console",
        3,
        365 * Day
    )
    {
        Messages = [typeof(OperatorActed)],
    };

    /// <summary>Every topic of the platform, in the order of the journey.</summary>
    public static readonly IReadOnlyList<Topic> All =
    [
        VideoEvents,
        EncodeCommandsFirst,
        EncodeCommands,
        EncodeEvents,
        PlaybackBeacons,
        CdnRequests,
        QoeSessions,
        QoeWindows,
        QoeAlerts,
        TrafficLoad,
        CapacityForecasts,
        CapacityDecisions,
        TrafficDecisions,
        DeadLetters,
        OperatorActions,
    ];
}
