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
        var builder = WithStores(new StreamBuilder());
        var inputs = Beacons(builder, options).Merge(Requests(builder, options));
        // Load goes before sessions: a step is measured before those that ended long ago are dropped. It is one
        // global figure, so its parts meet in a topic of one partition.
        inputs
            .Process(() => new LoadPartProcessor(options), LoadPartProcessor.Store, SessionProcessor.Store)
            .Repartition(new Repartitioned<string, LoadPart>("load", Text, Parts, Partitions: 1))
            .Process(
                () => new LoadProcessor(options),
                LoadProcessor.Sums,
                LoadProcessor.Known,
                LoadProcessor.Progress
            )
            .To(Topics.TrafficLoad.Name, Messages<LoadMeasured>());

        var facts = inputs.Process(
            () => new SessionProcessor(options),
            SessionProcessor.Store,
            SessionProcessor.Waiting
        );

        facts
            .OfType<SessionFact>()
            .MapValues((_, fact) => fact.Message)
            .To(Topics.QoeSessions.Name, Messages<IMessage>());

        var windows = Windows(facts.OfType<WindowFigures>(), options);
        windows.To(Topics.QoeWindows.Name, Messages<QoeWindowClosed>());
        windows
            .FlatMap(
                (_, window) =>
                    AlertRules.Check(window, options).Select(alert => KeyValuePair.Create(alert.AlertId, alert))
            )
            .To(Topics.QoeAlerts.Name, Messages<QoeAlertRaised>());
        return builder.Build();
    }

    /// <summary>Reports without proof go no further: they make no state, and nothing is computed of them.</summary>
    private static KStream<string, QoeInput> Beacons(StreamBuilder builder, QoeOptions options) =>
        builder
            .Stream(
                Topics.PlaybackBeacons.Name,
                new Consumed<string, BeaconReceived>(
                    Text,
                    Serdes.Message<BeaconReceived>(),
                    (_, beacon, _) => BeaconTime.OfStream(beacon, options)
                )
            )
            .Filter((_, beacon) => beacon.Proven)
            .MapValues((_, beacon) => new QoeInput(beacon, null));

    /// <summary>Likewise the requests whose URL Playback has not signed: anybody can send them.</summary>
    private static KStream<string, QoeInput> Requests(StreamBuilder builder, QoeOptions options) =>
        builder
            .Stream(
                Topics.CdnRequests.Name,
                new Consumed<string, CdnRequestServed>(
                    Text,
                    Serdes.Message<CdnRequestServed>(),
                    (_, request, arrived) => BeaconTime.OfStream(request, arrived, options)
                )
            )
            .Filter((_, request) => request.Signed)
            .MapValues((_, request) => new QoeInput(null, request));

    private static KStream<string, QoeWindowClosed> Windows(
        KStream<string, WindowFigures> shares,
        QoeOptions options
    ) =>
        shares
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

    private static StreamBuilder WithStores(StreamBuilder builder) =>
        builder
            .AddKeyValueStore(
                new Materialized<string, SessionState>(
                    SessionProcessor.Store,
                    Text,
                    Serdes.Json(QoeJson.Default.SessionState)
                )
            )
            .AddKeyValueStore(
                new Materialized<string, WaitingRequests>(
                    SessionProcessor.Waiting,
                    Text,
                    Serdes.Json(QoeJson.Default.WaitingRequests)
                )
            )
            .AddWindowStore(new Materialized<string, LoadPart>(LoadPartProcessor.Store, Text, Parts))
            .AddWindowStore(new Materialized<string, LoadPart>(LoadProcessor.Sums, Text, Parts))
            .AddKeyValueStore(
                new Materialized<string, KnownLoad>(LoadProcessor.Known, Text, Serdes.Json(QoeJson.Default.KnownLoad))
            )
            .AddKeyValueStore(
                new Materialized<int, LoadProgress>(
                    LoadProcessor.Progress,
                    Serdes.Json(QoeJson.Default.Int32),
                    Serdes.Json(QoeJson.Default.LoadProgress)
                )
            );

    private static Serde<LoadPart> Parts => Serdes.Json(QoeJson.Default.LoadPart);

    private static Serde<WindowFigures> Figures => Serdes.Json(QoeJson.Default.WindowFigures);

    private static WindowFigures Nothing() => new() { Subject = new SessionSubject("", "", "", "", "") };

    private static Produced<string, TMessage> Messages<TMessage>()
        where TMessage : class, IMessage => new(Text, Serdes.Message<TMessage>());
}
