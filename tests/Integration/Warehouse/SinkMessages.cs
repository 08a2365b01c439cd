using EventStream.Contracts;

namespace EventStream.Integration.Tests.Warehouse;

/// <summary>One message for each table, and beacons by the thousand.</summary>
internal static class SinkMessages
{
    /// <summary>An hour ago: what is older than a topic's retention is deleted before the sink has read it.</summary>
    public static readonly DateTimeOffset At = DateTimeOffset.FromUnixTimeMilliseconds(
        TimeProvider.System.GetUtcNow().AddHours(-1).ToUnixTimeMilliseconds()
    );

    public static readonly VideoId Video = VideoId.Parse("019abc00-0000-7000-8000-000000000001");
    private static readonly SessionSubject Subject = new(Video.ToString(), "edge-a", "eu", "desktop", "hls.js");
    private static readonly SessionQuality Quality = new(812, 1, 1500, 28_000, 30_312, 2400.5, 2, 0, false, false);

    public static BeaconReceived Beacon(string session, string content) =>
        new()
        {
            SessionId = session,
            ContentId = content,
            Version = 2,
            Event = "t",
            Time = At,
            ReceivedAt = At,
            State = "p",
            BitrateKbps = 2400,
            PlayheadMs = 30.5,
            StreamType = "v",
            Edge = "edge-a",
            ErrorCodes = ["a\"b", ";\n"],
            Raw = "sid=\"x\",cid=\"y;\nz\"",
            Proven = true,
        };

    public static IEnumerable<(Topic Topic, IMessage Message)> OneOfEach() =>
        [
            (Topics.VideoEvents, new VideoRegistered(Video, "publisher", "Film", "film.mp4", 5, At)),
            (Topics.EncodeEvents, new EncodeTaskStarted(Video, "720p", "worker-1", 1, At)),
            (Topics.PlaybackBeacons, Beacon("s-1", Video.ToString())),
            (Topics.PlaybackBeacons, Beacon("s-unproven", Video.ToString()) with { Proven = false }),
            (
                Topics.CdnRequests,
                new CdnRequestServed
                {
                    Time = At,
                    Edge = "edge-a",
                    Method = "GET",
                    Path = "/a/1.m4s",
                    Status = 200,
                    Bytes = 1000,
                    CacheStatus = "HIT",
                    Signed = true,
                }
            ),
            (
                Topics.QoeWindows,
                new QoeWindowClosed(
                    At,
                    At.AddSeconds(10),
                    Subject,
                    1,
                    1,
                    812,
                    812,
                    1,
                    1500,
                    8500,
                    2400,
                    1,
                    0,
                    0,
                    5,
                    5000,
                    4,
                    0
                )
            ),
            (Topics.QoeSessions, new SessionUpdated("s-1", Subject, "p", Quality, 4, At, At.AddSeconds(20))),
            (
                Topics.QoeSessions,
                new SessionFinished(
                    "s-1",
                    Subject,
                    "ended",
                    Quality,
                    5,
                    At,
                    At.AddSeconds(30),
                    [new SessionEdge("edge-a", "eu", 28_000, 1, 1500, true, 30, 3000, 0)]
                )
            ),
            (Topics.QoeAlerts, new QoeAlertRaised("alert-1", "stall-ratio", "edge-a", 0.2, 0.1, At, At.AddSeconds(11))),
            (Topics.TrafficLoad, new LoadMeasured("viewers", At, 10, 42, "sessions")),
            (
                Topics.CapacityForecasts,
                new ForecastPublished(
                    "viewers",
                    At,
                    10,
                    "combination",
                    100,
                    new Dictionary<string, double> { ["ets"] = 0.7, ["naive"] = 0.3 },
                    [new(At, 1, 2, 3, 4), new(At.AddSeconds(10), 5, 6, 7, 8)]
                )
            ),
            (
                Topics.CapacityDecisions,
                new ScaleDecided("encode", "viewers", At, 1, 3, "target", "load rises", 42, null, true, null)
            ),
            (
                Topics.TrafficDecisions,
                new SteeringDecided(
                    "health",
                    ["edge-b", "edge-a"],
                    new Dictionary<string, double> { ["edge-a"] = 0.5 },
                    "edge-a is slow",
                    At
                )
            ),
            (
                Topics.OperatorActions,
                new OperatorActed("edge.stop", "edge-b", "ada", "operator", "its disk fails", At, null)
            ),
            (
                Topics.DeadLetters,
                new RecordDeadLettered(
                    "playback.beacons",
                    2,
                    17,
                    "qoe",
                    "lost.v1",
                    "cannot be read",
                    "a2V5",
                    "dmFsdWU=",
                    At
                )
            ),
        ];
}
