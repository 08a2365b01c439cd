namespace EventStream.Capacity.Scaling;

/// <summary>
/// All that a rule may look at. <paramref name="LastLoad"/> is that of the last complete step,
/// <paramref name="ForecastLoad"/> the planned quantile of the largest load until a replica started now is ready
/// (null: no forecast yet), and <paramref name="Recent"/> the recommendations of earlier steps, newest last.
/// </summary>
public sealed record ScalingInput(
    ScalingTarget Target,
    int CurrentReplicas,
    double LastLoad,
    double? ForecastLoad,
    IReadOnlyList<int> Recent
)
{
    /// <summary>Unit of the load, for the reason.</summary>
    public string Unit { get; init; } = "units";

    /// <summary>Duration of a step, for the reason.</summary>
    public TimeSpan Step { get; init; } = TimeSpan.FromMinutes(1);
}

/// <summary>
/// What a rule chose. <paramref name="Recommended"/> is what this step alone asks for and enters the hold of later
/// steps; <paramref name="Desired"/> is what to run now. <paramref name="Reason"/> is a sentence for the operator.
/// </summary>
public sealed record ScalingAdvice(int Recommended, int Desired, string Reason);

/// <summary>A way to turn load into replicas: a name and one pure method.</summary>
public interface IScalingRule
{
    /// <summary>The name that selects it in the settings of a target.</summary>
    string Name { get; }

    /// <summary>Replicas to run now, never outside the bounds of the target.</summary>
    ScalingAdvice Decide(ScalingInput input);
}

/// <summary>The rules that settings can name.</summary>
public static class ScalingRules
{
    private static readonly IScalingRule[] All = [new PredictiveRule(), new ReactiveRule()];

    /// <summary>All names, for messages.</summary>
    public static string Names => string.Join(", ", All.Select(rule => rule.Name));

    /// <summary>The rule of a name, or null.</summary>
    public static IScalingRule? Find(string name) =>
        Array.Find(All, rule => string.Equals(rule.Name, name, StringComparison.OrdinalIgnoreCase));
}
