namespace EventStream.Capacity.Scaling;

/// <summary>What is scaled: a workload, the load that drives it and the bounds within which it may move.</summary>
public sealed record ScalingTarget
{
    /// <summary>Name of the workload at the actuator, such as <c>encode-workers</c>.</summary>
    public string Name { get; init; } = "";

    /// <summary>Load series that drives it, such as <c>viewers</c>.</summary>
    public string Resource { get; init; } = "";

    /// <summary>
    /// Load that one replica carries when it is full, in the unit of the resource: viewers watching at one instant;
    /// requests or bytes in one step of measurement.
    /// </summary>
    public double UnitsPerReplica { get; init; } = 100;

    /// <summary>
    /// Share of that load planned for, above 0 and at most 1: what is left is head-room for the step not yet seen.
    /// </summary>
    public double Utilisation { get; init; } = 0.85;

    /// <summary>Load that is always provided for, in the unit of the resource.</summary>
    public double FloorLoad { get; init; }

    /// <summary>Replicas at least.</summary>
    public int MinReplicas { get; init; } = 1;

    /// <summary>Replicas at most; the ceiling is the operator's protection against a wrong forecast.</summary>
    public int MaxReplicas { get; init; } = 4;

    /// <summary>Minutes (<see cref="CapacityOptions.Minutes"/>) until a new replica carries load.</summary>
    public int StartupSteps { get; init; } = 2;

    /// <summary>Minutes over which the largest recommendation holds before scaling in.</summary>
    public int ScaleInHoldSteps { get; init; } = 5;

    /// <summary>Quantile of the largest load over the start-up window that is planned for.</summary>
    public double Level { get; init; } = 0.99;

    /// <summary>Name of the scaling rule: <c>predictive</c> or <c>reactive</c>.</summary>
    public string Rule { get; init; } = PredictiveRule.RuleName;

    /// <summary>Name of the actuator: <c>supervisor</c>, <c>kubernetes</c> or <c>none</c>.</summary>
    public string Actuator { get; init; } = "supervisor";

    /// <summary>Largest load that a number of replicas is planned for.</summary>
    public double Planned(int replicas) => replicas * UnitsPerReplica * Utilisation;

    /// <summary>Replicas that carry a load at the planned utilisation, before any bound.</summary>
    public int Needed(double load)
    {
        // A load that fills a replica to the last bit must not call for another one because of rounding.
        var exact = load / (UnitsPerReplica * Utilisation);
        return (int)Math.Clamp(Math.Ceiling(exact - 1e-9), 0, int.MaxValue / 2);
    }

    /// <summary>Every mistake in the settings, as sentences that name the setting.</summary>
    public IEnumerable<string> Errors()
    {
        (bool IsRight, string Sentence)[] rules =
        [
            (Name.Length > 0, "Name is missing; put the name of the workload at the actuator"),
            (Resource.Length > 0, "Resource is missing; put the load series, such as viewers"),
            (UnitsPerReplica > 0, $"UnitsPerReplica is {UnitsPerReplica}; it must be above 0"),
            (Utilisation is > 0 and <= 1, $"Utilisation is {Utilisation}; it must be above 0 and at most 1"),
            (FloorLoad >= 0, $"FloorLoad is {FloorLoad}; it must not be negative"),
            (MinReplicas >= 0, $"MinReplicas is {MinReplicas}; it must not be negative"),
            (MaxReplicas >= MinReplicas, $"MaxReplicas is {MaxReplicas}; it must be at least MinReplicas"),
            (StartupSteps >= 0, $"StartupSteps is {StartupSteps}; it must not be negative"),
            (ScaleInHoldSteps >= 1, $"ScaleInHoldSteps is {ScaleInHoldSteps}; it must be at least 1"),
            (Level is > 0.5 and < 1, $"Level is {Level}; it must lie between 0.5 and 1"),
            (ScalingRules.Find(Rule) is not null, $"Rule is '{Rule}'; choose one of {ScalingRules.Names}"),
            (
                Actuators.Names.Contains(Actuator),
                $"Actuator is '{Actuator}'; choose one of {string.Join(", ", Actuators.Names)}"
            ),
        ];
        return rules.Where(rule => !rule.IsRight).Select(rule => rule.Sentence);
    }
}
