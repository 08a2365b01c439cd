using static EventStream.Capacity.Scaling.ScaleInHold;

namespace EventStream.Capacity.Scaling;

/// <summary>
/// The rule of Kubernetes' HorizontalPodAutoscaler: current replicas times measured over wanted utilisation, nothing
/// within a tolerance of a tenth, scale-in held over the window. It looks at the last load only.
/// </summary>
public sealed class ReactiveRule : IScalingRule
{
    private const double Tolerance = 0.1;

    public string Name => "reactive";

    public ScalingAdvice Decide(ScalingInput input)
    {
        var target = input.Target;
        var load = Math.Max(input.LastLoad, target.FloorLoad);
        var current = input.CurrentReplicas;
        var ratio = current > 0 ? load / target.Planned(current) : double.PositiveInfinity;
        var needed = Math.Abs(ratio - 1) <= Tolerance ? current : target.Needed(load);
        var use = current > 0 ? $"{Number(100 * load / (current * target.UnitsPerReplica))} %" : "no replica";
        return Advise(
            input,
            needed,
            $"{Number(input.LastLoad)} {input.Unit} now, {use} in use of {Number(100 * target.Utilisation)} % wanted"
        );
    }
}
