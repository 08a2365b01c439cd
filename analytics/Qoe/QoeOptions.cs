using EventStream.Hosting;
using EventStream.Streams;
using Microsoft.Extensions.Configuration;

namespace EventStream.Qoe;

/// <summary>An edge of the platform and its region, which may be empty.</summary>
public sealed record QoeEdge(string Name, string Region);

/// <summary>
/// Settings of the QoE topology, section <c>Qoe</c>. Times in seconds of event time unless the name says otherwise.
/// </summary>
public sealed record QoeOptions
{
    public string ApplicationId { get; init; } = "qoe";

    /// <summary>Distinguishes instances; two that run at once need different ones.</summary>
    public string InstanceId { get; init; } = Environment.MachineName;

    public ProcessingGuarantee ProcessingGuarantee { get; init; } = ProcessingGuarantee.ExactlyOnceV2;

    /// <summary>
    /// Wall-clock time between commits: how long readers wait at most for an output that is computed.
    /// </summary>
    public double CommitIntervalMs { get; init; } = 200;

    public int Threads { get; init; } = 1;

    /// <summary>A session that is silent for longer is over.</summary>
    public double SessionTimeoutSeconds { get; init; } = 30;

    /// <summary>How long a record waits for one with a smaller sequence number.</summary>
    public double ReorderSeconds { get; init; } = 2;

    /// <summary>A live session is reported at most this often.</summary>
    public double UpdateSeconds { get; init; } = 2;

    /// <summary>
    /// How long a session that ended waits before it is sent, so that the edges' logs of its last requests are in it.
    /// </summary>
    public double SessionLogSeconds { get; init; } = 3;

    public double WindowSeconds { get; init; } = 10;

    /// <summary>
    /// Time after a window's end in which records still count. A player may be silent for ten seconds between two
    /// reports, and the time in between is booked only when the second arrives.
    /// </summary>
    public double WindowGraceSeconds { get; init; } = 12;

    public double LoadStepSeconds { get; init; } = 10;

    /// <summary>
    /// Time after a step's end in which records still count. A player that is paused may be silent for fifteen
    /// seconds between two batches of reports, and only the second one shows that it was there in between.
    /// </summary>
    public double LoadGraceSeconds { get; init; } = 16;

    /// <summary>
    /// Steps without load that are sent after a gap, at most; a longer gap stays one. An edge that is not configured
    /// and has served nothing for as many steps is sent no more.
    /// </summary>
    public int LoadZeroStepsMax { get; init; } = 400;

    /// <summary>The edges of the platform, from the section <c>Traffic:Edges</c>.</summary>
    public IReadOnlyList<QoeEdge> Edges { get; init; } = [];

    /// <summary>
    /// Wall-clock silence after which stream time follows the clock, if all that was written has been read; 0 turns
    /// that off.
    /// </summary>
    public double IdleAdvanceSeconds { get; init; } = 3;

    /// <summary>A pause in playback that is shorter is a gap that the player bridged, not a stall.</summary>
    public double StallMinMs { get; init; } = 100;

    /// <summary>
    /// A record's own time may be ahead of the collector's clock by this much; more is taken for a wrong clock.
    /// </summary>
    public double ClockSkewSeconds { get; init; } = 5;

    /// <summary>Alert when stalls take a greater share of stalls plus playing than this.</summary>
    public double AlertStallRatio { get; init; } = 0.05;

    /// <summary>Alert when the mean startup of a window is longer.</summary>
    public double AlertStartupMs { get; init; } = 4000;

    /// <summary>Alert when a greater share of the sessions of a window failed.</summary>
    public double AlertFailureRatio { get; init; } = 0.1;

    /// <summary>Windows with fewer sessions raise no alert.</summary>
    public int AlertSessionsMin { get; init; } = 1;

    /// <summary>The region of a configured edge; null for any other.</summary>
    internal string? RegionOf(string edge) => Edges.FirstOrDefault(other => other.Name == edge)?.Region;

    internal TimeSpan SessionTimeout => TimeSpan.FromSeconds(SessionTimeoutSeconds);

    internal TimeSpan Reorder => TimeSpan.FromSeconds(ReorderSeconds);

    internal TimeSpan Window => TimeSpan.FromSeconds(WindowSeconds);

    internal TimeSpan LoadStep => TimeSpan.FromSeconds(LoadStepSeconds);

    /// <summary>Reads the settings; adds a sentence to <paramref name="errors"/> for each that is wrong.</summary>
    public static QoeOptions Read(IConfiguration configuration, ICollection<string> errors)
    {
        var edges = configuration.GetSection("Traffic:Edges").GetChildren();
        var options = new SettingsReader(configuration, "Qoe", errors).Bind<QoeOptions>() with
        {
            Edges = [.. edges.Select(edge => new QoeEdge(edge["Name"] ?? "", edge["Region"] ?? ""))],
        };
        foreach (var error in options.Errors())
            errors.Add(error);
        return options;
    }

    private IEnumerable<string> Errors()
    {
        (string Name, double Value)[] positive =
        [
            (nameof(CommitIntervalMs), CommitIntervalMs),
            (nameof(Threads), Threads),
            (nameof(SessionTimeoutSeconds), SessionTimeoutSeconds),
            (nameof(UpdateSeconds), UpdateSeconds),
            (nameof(WindowSeconds), WindowSeconds),
            (nameof(LoadStepSeconds), LoadStepSeconds),
            (nameof(LoadZeroStepsMax), LoadZeroStepsMax),
        ];
        (string Name, double Value)[] notNegative =
        [
            (nameof(ReorderSeconds), ReorderSeconds),
            (nameof(SessionLogSeconds), SessionLogSeconds),
            (nameof(WindowGraceSeconds), WindowGraceSeconds),
            (nameof(LoadGraceSeconds), LoadGraceSeconds),
            (nameof(IdleAdvanceSeconds), IdleAdvanceSeconds),
            (nameof(StallMinMs), StallMinMs),
            (nameof(ClockSkewSeconds), ClockSkewSeconds),
        ];
        foreach (var (name, value) in positive.Where(setting => !(setting.Value > 0)))
            yield return $"Qoe:{name} is {value}; it must be greater than 0.";
        foreach (var (name, value) in notNegative.Where(setting => !(setting.Value >= 0)))
            yield return $"Qoe:{name} is {value}; it must not be negative.";
        if (Edges.Any(edge => edge.Name.Length == 0))
            yield return "An edge of Traffic:Edges has no Name.";
        if (string.IsNullOrWhiteSpace(ApplicationId))
            yield return "Qoe:ApplicationId is empty; give the consumer group a name.";
        if (string.IsNullOrWhiteSpace(InstanceId))
            yield return "Qoe:InstanceId is empty; give the instance a name.";
    }
}
