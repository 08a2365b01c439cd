using EventStream.Contracts;
using EventStream.Qoe.Alerts;
using EventStream.Qoe.Load;
using EventStream.Qoe.Sessions;
using EventStream.Streams;

namespace EventStream.Qoe;

/// <summary>From beacons and CDN log lines to sessions, windows, alerts and load.</summary>
public static class QoeTopology
{
    private static readonly Serde<string> Text = Serdes.Text;

    /// <summary>The topology; pure, and the same for a broker and for the test driver.</summary>
    public static Topology Build(QoeOptions options)
    {
        var builder = new StreamBuilder()
            .AddKeyValueStore(
                new Materialized<string, SessionState>(
                    SessionProcessor.Store,
                    Text,
                    Serdes.Json(QoeJson.Default.SessionState)
                )
            )
            .AddWindowStore(Loads(LoadPartProcessor.Store))
            .AddWindowStore(Loads(LoadProcessor.Sums))
            .AddKeyValueStore(
                new Materialized<string, KnownLoad>(LoadProcessor.Known, Text, Serdes.Json(QoeJson.Default.KnownLoad))
            );

        var beacons = builder.Stream(
            Topics.PlaybackBeacons.Name,
            new Consumed<string, BeaconReceived>(
                Text,
                Serdes.Message<BeaconReceived>(),
                (_, beacon) => BeaconTime.Of(beacon, options)
            )
        );
        var requests = builder.Stream(
            Topics.CdnRequests.Name,
            new Consumed<string, CdnRequestServed>(
                Text,
                Serdes.Message<CdnRequestServed>(),
                (_, request) => request.Time
            )
        );
        var inputs = beacons
            .MapValues((_, beacon) => new QoeInput(beacon, null))
            .Merge(requests.MapValues((_, request) => new QoeInput(null, request)));

        var facts = inputs.Process(() => new SessionProcessor(options), SessionProcessor.Store);
        facts
            .OfType<SessionFact>()
            .MapValues((_, fact) => fact.Message)
            .To(Topics.QoeSessions.Name, Messages<IMessage>());

        var windows = facts
            .OfType<WindowFigures>()
            .SelectKey((_, share) => WindowFigures.KeyOf(share.Subject))
            .GroupByKey(new Repartitioned<string, WindowFigures>("windows", Text, Figures))
            .WindowedBy(new TimeWindows(options.Window, TimeSpan.FromSeconds(options.WindowGraceSeconds)))
            .SuppressUntilWindowCloses()
            .Aggregate(
                Nothing,
                (_, share, sum) => sum.Plus(share),
                new Materialized<string, WindowFigures>("windows", Text, Figures)
            )
            .ToStream()
            .Map((window, sum) => KeyValuePair.Create(window.Key, sum.Close(window.Start, window.End)));
        windows.To(Topics.QoeWindows.Name, Messages<QoeWindowClosed>());
        windows
            .FlatMap(
                (_, window) =>
                    AlertRules.Check(window, options).Select(alert => KeyValuePair.Create(alert.AlertId, alert))
            )
            .To(Topics.QoeAlerts.Name, Messages<QoeAlertRaised>());

        // Load is one global figure, so its parts meet in a topic of one partition.
        inputs
            .Process(() => new LoadPartProcessor(options), LoadPartProcessor.Store, SessionProcessor.Store)
            .Repartition(
                new Repartitioned<string, LoadPart>(
                    "load",
                    Text,
                    Serdes.Json(QoeJson.Default.LoadPart),
                    Partitions: 1
                )
            )
            .Process(() => new LoadProcessor(options), LoadProcessor.Sums, LoadProcessor.Known)
            .To(Topics.TrafficLoad.Name, Messages<LoadMeasured>());
        return builder.Build();
    }

    private static Serde<WindowFigures> Figures => Serdes.Json(QoeJson.Default.WindowFigures);

    private static WindowFigures Nothing() => new() { Subject = new SessionSubject("", "", "", "", "") };

    private static Materialized<string, LoadPart> Loads(string store) =>
        new(store, Text, Serdes.Json(QoeJson.Default.LoadPart));

    private static Produced<string, TMessage> Messages<TMessage>()
        where TMessage : class, IMessage => new(Text, Serdes.Message<TMessage>());
}
