namespace EventStream.Contracts;

/// <summary>
/// One step of a forecast. <paramref name="Time"/> is the step's start; quantiles in the unit of the series.
/// </summary>
public sealed record ForecastStep(DateTimeOffset Time, double Q50, double Q90, double Q95, double Q99);

/// <summary>
/// What is expected of a resource, made at <paramref name="Origin"/> (the end of the last step known) from
/// <paramref name="HistorySteps"/> steps; <paramref name="Weights"/> names the members of the combination.
/// </summary>
[WireName("capacity.forecast-published.v1")]
public sealed record ForecastPublished(
    string Resource,
    DateTimeOffset Origin,
    double StepSeconds,
    string Model,
    int HistorySteps,
    IReadOnlyDictionary<string, double> Weights,
    IReadOnlyList<ForecastStep> Steps
) : IEvent;

/// <summary>
/// The scaling rule looked at a target and chose a number of replicas. <paramref name="Reason"/> is a sentence for
/// the operator.
/// <paramref name="Applied"/> says whether the actuator did it; <paramref name="Error"/> why not.
/// </summary>
[WireName("capacity.scale-decided.v1")]
public sealed record ScaleDecided(
    string Target,
    string Resource,
    DateTimeOffset Time,
    int CurrentReplicas,
    int DesiredReplicas,
    string Rule,
    string Reason,
    double LastLoad,
    double? ForecastLoad,
    bool Applied,
    string? Error
) : IEvent;

/// <summary>The order in which edges are offered changed. Health per edge is 0 (down) to 1.</summary>
[WireName("traffic.steering-decided.v1")]
public sealed record SteeringDecided(
    string Policy,
    IReadOnlyList<string> PathwayPriority,
    IReadOnlyDictionary<string, double> Health,
    string Reason,
    DateTimeOffset DecidedAt
) : IEvent;
