using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using EventStream.Contracts;

namespace EventStream.Console.Live;

/// <summary>
/// What the operations page shows, in memory and bounded: it is rebuilt from the newest records of the topics at each
/// start. Each part has a version that grows with every change, and is rendered at most once per version.
/// </summary>
internal sealed class LiveBoard
{
    public const string Edges = "edges";
    public const string Processes = "processes";
    public const string Scale = "scale";
    public const string Stream = "stream";

    /// <summary>How the pages read what the board holds.</summary>
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly Lock gate = new();
    private readonly LoadSeriesBook load = new();
    private readonly WindowBook windows = new();
    private readonly SessionBook sessions = new();
    private readonly ForecastBook forecasts = new();
    private readonly Latest<ScaleDecided> decisions = new(60);
    private readonly Latest<SteeringDecided> steering = new(30);
    private readonly Latest<QoeAlertRaised> alerts = new(60);
    private readonly Latest<RecordDeadLettered> letters = new(30);
    private readonly Latest<OperatorActed> actions = new(30);
    private readonly Dictionary<string, (string? Json, string? Trouble)> upstream = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> versions = Parts.ToDictionary(
        part => part,
        _ => 0L,
        StringComparer.Ordinal
    );
    private readonly Dictionary<string, (long Version, string Json)> rendered = new(StringComparer.Ordinal);

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
    public static IReadOnlyList<string> Parts { get; } =
    [
        "load",
        "windows",
        "sessions",
        "forecasts",
        "decisions",
        "steering",
        "alerts",
        "letters",
        "actions",
        Edges,
        Processes,
        Scale,
        Stream,
    ];

    public long Version(string part)
    {
        lock (gate)
            return versions[part];
    }

    /// <summary>A part as JSON and the version that it shows.</summary>
    public (long Version, string Json) Render(string part)
    {
        lock (gate)
        {
            var version = versions[part];
            if (rendered.TryGetValue(part, out var known) && known.Version == version)
                return known;
            return rendered[part] = (version, JsonSerializer.Serialize(Picture(part), Json));
        }
    }

    /// <summary>Takes a message of one of the topics; others are passed over.</summary>
    public void Apply(IMessage message)
    {
        lock (gate)
        {
            var part = Take(message);
            if (part is not null)
                versions[part]++;
        }
    }

    /// <summary>Takes what a role said last, or why it said nothing.</summary>
    public void SetUpstream(string part, string? json, string? trouble)
    {
        lock (gate)
        {
            if (upstream.TryGetValue(part, out var before) && before == (json, trouble))
                return;
            upstream[part] = (json, trouble);
            versions[part]++;
        }
    }

    private string? Take(IMessage message)
    {
        switch (message)
        {
            case LoadMeasured measured:
                load.Take(measured);
                return "load";
            case QoeWindowClosed window:
                windows.Take(window);
                return "windows";
            case SessionUpdated session:
                sessions.Take(session);
                return "sessions";
            case SessionFinished session:
                sessions.Take(session);
                return "sessions";
            case ForecastPublished forecast:
                forecasts.Take(forecast);
                return "forecasts";
            case ScaleDecided decision:
                decisions.Add(decision);
                return "decisions";
            case SteeringDecided decision:
                steering.Add(decision);
                return "steering";
            case QoeAlertRaised alert:
                alerts.Add(alert);
                return "alerts";
            case RecordDeadLettered letter:
                letters.Add(letter);
                return "letters";
            case OperatorActed acted:
                actions.Add(acted);
                return "actions";
            default:
                return null;
        }
    }

    private object Picture(string part) =>
        part switch
        {
            "load" => load.Picture(),
            "windows" => windows.Picture(),
            "sessions" => sessions.Picture(),
            "forecasts" => forecasts.Picture(),
            "decisions" => decisions.Newest(decision => decision.Time),
            "steering" => steering.Newest(decision => decision.DecidedAt),
            "alerts" => alerts.Newest(alert => alert.RaisedAt),
            "letters" => new
            {
                count = letters.Count,
                latest = letters
                    .Newest(letter => letter.At)
                    .Select(letter => new
                    {
                        letter.Topic,
                        letter.Type,
                        letter.Cause,
                        letter.At,
                        letter.Group,
                    }),
            },
            "actions" => actions.Newest(acted => acted.At),
            _ => Upstream(part),
        };

    private object Upstream(string part)
    {
        var (json, trouble) = upstream.GetValueOrDefault(part, (null, "not asked yet"));
        try
        {
            return new { trouble, value = json is null ? null : JsonNode.Parse(json) };
        }
        catch (JsonException e)
        {
            return new { trouble = $"its answer is not JSON: {e.Message}", value = (JsonNode?)null };
        }
    }
}

/// <summary>The newest entries up to a bound, and how many there were in all.</summary>
internal sealed class Latest<T>(int max)
{
    private readonly Queue<T> entries = new();

    public long Count { get; private set; }

    public void Add(T entry)
    {
        Count++;
        if (entries.Count == max)
            entries.Dequeue();
        entries.Enqueue(entry);
    }

    public IReadOnlyList<T> Newest<TKey>(Func<T, TKey> time) => [.. entries.OrderByDescending(time)];
}
