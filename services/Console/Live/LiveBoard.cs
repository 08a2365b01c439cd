using EventStream.Contracts;

namespace EventStream.Console.Live;

/// <summary>
/// What the operations page shows, in memory and bounded: it is rebuilt from the newest records of the topics at each
/// start.
/// </summary>
internal sealed class LiveBoard
{
    public const string Edges = "edges";
    public const string Processes = "processes";
    public const string Scale = "scale";
    public const string Stream = "stream";

    private readonly Lock gate = new();
    private readonly Dictionary<string, LivePart> parts = new(StringComparer.Ordinal)
    {
        ["load"] = new LoadPart(),
        ["windows"] = new WindowPart(),
        ["sessions"] = new SessionPart(),
        ["forecasts"] = new ForecastPart(),
        ["decisions"] = new Latest<ScaleDecided>(60, decision => decision.Time),
        ["steering"] = new Latest<SteeringDecided>(30, decision => decision.DecidedAt),
        ["alerts"] = new Latest<QoeAlertRaised>(60, alert => alert.RaisedAt),
        ["letters"] = new DeadLetterPart(),
        ["actions"] = new Latest<OperatorActed>(30, acted => acted.At),
        [Edges] = new UpstreamPart(),
        [Processes] = new UpstreamPart(),
        [Scale] = new UpstreamPart(),
        [Stream] = new UpstreamPart(),
    };

    public LiveBoard() => Parts = [.. parts.Keys];

    /// <summary>The topics behind the board.</summary>
    public static IReadOnlyList<Topic> Topics { get; } =
    [
        Contracts.Topics.QoeWindows,
        Contracts.Topics.QoeSessions,
        Contracts.Topics.TrafficLoad,
        Contracts.Topics.CapacityForecasts,
        Contracts.Topics.CapacityDecisions,
        Contracts.Topics.TrafficDecisions,
        Contracts.Topics.QoeAlerts,
        Contracts.Topics.DeadLetters,
        Contracts.Topics.OperatorActions,
    ];

    /// <summary>The names of the parts.</summary>
    public IReadOnlyList<string> Parts { get; }

    public long Version(string part)
    {
        lock (gate)
            return parts[part].Version;
    }

    /// <summary>A part as JSON and the version that it shows.</summary>
    public (long Version, string Json) Render(string part)
    {
        lock (gate)
            return parts[part].Render();
    }

    /// <summary>Takes a message of one of the topics; others are passed over.</summary>
    public void Apply(IMessage message)
    {
        lock (gate)
        {
            foreach (var part in parts.Values)
                part.Apply(message);
        }
    }

    /// <summary>Takes what a role said last, or why it said nothing.</summary>
    public void SetUpstream(string part, string? json, string? trouble)
    {
        lock (gate)
            ((UpstreamPart)parts[part]).Set(json, trouble);
    }
}
