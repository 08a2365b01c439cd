using EventStream.Contracts;
using EventStream.Qoe.Alerts;
using EventStream.Qoe.Load;
using EventStream.Qoe.Sessions;
using EventStream.Streams;
using Streamiz.Kafka.Net;
using Streamiz.Kafka.Net.SerDes;
using Streamiz.Kafka.Net.Stream;

namespace EventStream.Qoe;

/// <summary>From beacons and CDN log lines to sessions, windows, alerts and load.</summary>
public static class QoeTopology
{
    private const string WindowStore = "windows";

    // The stores of stream time. Their names, like those of the other stores, name changelogs that are there.
    private const string InputClock = "task-0-time";
    private const string LoadClock = "task-1-time";
    private const string WindowClock = "task-2-time";

    private static ISerDes<LoadPart> Parts => SerDes.Json(QoeJson.Default.LoadPart);

    private static ISerDes<WindowFigures> Figures => SerDes.Json(QoeJson.Default.WindowFigures);

    /// <summary>The topology; pure, and the same for a broker and for the test driver.</summary>
    public static Topology Build(QoeOptions options, StreamScope scope)
    {
        var builder = WithStores(new StreamBuilder(), scope);
        var outputs = Beacons(builder, options)
            .Merge(Requests(builder, options))
            .Process(
                // Load goes before sessions: a step is measured before those that ended long ago are dropped.
                new StepSpec<QoeInput>(
                    scope,
                    [Topics.PlaybackBeacons.Name, Topics.CdnRequests.Name],
                    InputClock,
                    () => new LoadPartProcessor(options),
                    () => new SessionProcessor(options)
                ),
                LoadPartProcessor.Store,
                SessionProcessor.Store,
                SessionProcessor.Waiting
            );
        outputs
            .Filter((_, value, _) => value is SessionUpdated or SessionFinished)
            .OfType<IMessage>()
            .To(Topics.QoeSessions);
        Load(outputs.OfType<LoadPart>(), options, scope);
        Windows(outputs.OfType<WindowFigures>(), options, scope);
        return builder.Build();
    }

    private static IKStream<string, Batch<QoeInput>> Beacons(StreamBuilder builder, QoeOptions options) =>
        builder.Batches(
            Topics.PlaybackBeacons.Name,
            new BatchSerDes<QoeInput>(
                (data, headers) => new QoeInput(SerDes.ReadMessage<BeaconReceived>(data, headers), null),
                (input, _) => BeaconTime.OfStream(input.Beacon!, options)
            )
        );

    private static IKStream<string, Batch<QoeInput>> Requests(StreamBuilder builder, QoeOptions options) =>
        builder.Batches(
            Topics.CdnRequests.Name,
            new BatchSerDes<QoeInput>(
                (data, headers) => new QoeInput(null, SerDes.ReadMessage<CdnRequestServed>(data, headers)),
                (input, arrived) => BeaconTime.OfStream(input.Request!, arrived, options)
            )
        );

    /// <summary>Load is one global figure, so its parts meet in a topic of one partition.</summary>
    private static void Load(IKStream<string, LoadPart> parts, QoeOptions options, StreamScope scope) =>
        parts
            .Repartition(scope, "load", Parts, partitions: 1)
            .Process(
                new StepSpec<LoadPart>(
                    scope,
                    [scope.RepartitionTopic("load")],
                    LoadClock,
                    () => new LoadProcessor(options)
                ),
                LoadProcessor.Sums,
                LoadProcessor.Known,
                LoadProcessor.Progress
            )
            .OfType<LoadMeasured>()
            .To(Topics.TrafficLoad);

    private static void Windows(IKStream<string, WindowFigures> shares, QoeOptions options, StreamScope scope)
    {
        var nothing = new WindowFigures { Subject = new SessionSubject("", "", "", "", "") };
        var outputs = shares
            .SelectKey((_, share, _) => WindowFigures.KeyOf(share.Subject))
            .Repartition(scope, "windows", Figures)
            .Process(
                new StepSpec<WindowFigures>(
                    scope,
                    [scope.RepartitionTopic("windows")],
                    WindowClock,
                    () =>
                        new WindowProcessor<WindowFigures, WindowFigures>(
                            WindowStore,
                            options.Window,
                            TimeSpan.FromSeconds(options.WindowGraceSeconds),
                            nothing,
                            (share, sum) => sum.Plus(share),
                            window => Close(window, options)
                        )
                ),
                WindowStore
            );
        outputs.OfType<QoeWindowClosed>().To(Topics.QoeWindows);
        outputs.OfType<QoeAlertRaised>().To(Topics.QoeAlerts);
    }

    private static IEnumerable<(string, object)> Close(ClosedWindow<WindowFigures> sum, QoeOptions options)
    {
        var window = sum.Value.Close(sum.Start, sum.End);
        return AlertRules
            .Check(window, options)
            .Select(alert => (alert.AlertId, (object)alert))
            .Prepend((sum.Key, window));
    }

    private static StreamBuilder WithStores(StreamBuilder builder, StreamScope scope) =>
        builder
            .AddKeyValueStore(scope, SessionProcessor.Store, SerDes.Text, SerDes.Json(QoeJson.Default.SessionState))
            .AddKeyValueStore(
                scope,
                SessionProcessor.Waiting,
                SerDes.Text,
                SerDes.Json(QoeJson.Default.WaitingRequests)
            )
            .AddWindowStore(scope, LoadPartProcessor.Store, SerDes.Text, Parts)
            .AddWindowStore(scope, LoadProcessor.Sums, SerDes.Text, Parts)
            .AddWindowStore(scope, WindowStore, SerDes.Text, Figures)
            .AddKeyValueStore(scope, LoadProcessor.Known, SerDes.Text, SerDes.Json(QoeJson.Default.KnownLoad))
            .AddKeyValueStore(
                scope,
                LoadProcessor.Progress,
                SerDes.Json(QoeJson.Default.Int32),
                SerDes.Json(QoeJson.Default.LoadProgress)
            )
            .AddClock(scope, InputClock)
            .AddClock(scope, LoadClock)
            .AddClock(scope, WindowClock);
}
