using System.Text;
using EventStream.Contracts;
using EventStream.Qoe;

namespace EventStream.Tests.Kit;

/// <summary>The QoE topology in the test driver, with typed ways in and out.</summary>
internal sealed class QoeRun(QoeOptions options)
{
    public static readonly DateTimeOffset T0 = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public StreamDriver Driver { get; } =
        new(scope => QoeTopology.Build(options, scope), "qoe", Topics.PlaybackBeacons.Name, Topics.CdnRequests.Name);

    public void Hear(BeaconReceived beacon) =>
        Driver.Pipe(Topics.PlaybackBeacons.Name, beacon.SessionId, beacon, beacon.ReceivedAt);

    public void Hear(IEnumerable<BeaconReceived> beacons)
    {
        foreach (var beacon in beacons)
            Hear(beacon);
    }

    public void Serve(CdnRequestServed request) =>
        Driver.Pipe(Topics.CdnRequests.Name, request.SessionId ?? request.Edge, request, request.Time);

    /// <summary>Lets so much event time pass that every session ends and every window closes.</summary>
    public void Finish(DateTimeOffset after)
    {
        for (var seconds = 1; seconds <= 120; seconds++)
            Driver.AdvanceStreamTime(after.AddSeconds(seconds));
    }

    public IReadOnlyList<IMessage> Sessions() => Driver.Read<IMessage>(Topics.QoeSessions);

    public IReadOnlyList<QoeWindowClosed> Windows() => Driver.Read<QoeWindowClosed>(Topics.QoeWindows);

    public IReadOnlyList<QoeAlertRaised> Alerts() => Driver.Read<QoeAlertRaised>(Topics.QoeAlerts);

    public IReadOnlyList<LoadMeasured> Load() => Driver.Read<LoadMeasured>(Topics.TrafficLoad);

    /// <summary>A message as it is written, by which two with lists in them are compared.</summary>
    public static string Json(IMessage message) => Encoding.UTF8.GetString(MessageTypes.Write(message));
}

/// <summary>Writes the reports of a made-up viewer.</summary>
internal sealed class Viewer(string sessionId)
{
    private long next;

    public BeaconReceived Says(
        double second,
        string what,
        string? state,
        Func<BeaconReceived, BeaconReceived>? more = null
    )
    {
        var time = QoeRun.T0.AddSeconds(second);
        var beacon = new BeaconReceived
        {
            SessionId = sessionId,
            ContentId = "video-1",
            Version = 2,
            Event = what,
            State = state,
            Time = time,
            ReceivedAt = time,
            Sequence = next++,
            Region = "eu",
            Device = "tv",
            Edge = "edge-a",
            Player = "hls.js",
            Proven = true,
            Raw = $"sid={sessionId},sn={next},ts={second},e={what},sta={state}",
        };
        return more is null ? beacon : more(beacon);
    }
}
