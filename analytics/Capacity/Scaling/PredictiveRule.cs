using static EventStream.Capacity.Scaling.ScaleInHold;

namespace EventStream.Capacity.Scaling;

/// <summary>
/// Plans for what may come while a replica starts: instances = max(forecast quantile of the largest load over the
/// start-up window, last load, floor) / (capacity of a replica x utilisation). Without a forecast it plans for the
/// last load.
/// </summary>
public sealed class PredictiveRule : IScalingRule
{
    internal const string RuleName = "predictive";

    public string Name => RuleName;

    public ScalingAdvice Decide(ScalingInput input)
    {
        var target = input.Target;
        var load = Math.Max(Math.Max(input.LastLoad, input.ForecastLoad ?? 0), target.FloorLoad);
        var needed = target.Needed(load);
        return Advise(input, needed, Cause(input, load, needed));
    }

    private static string Cause(ScalingInput input, double load, int needed)
    {
        var (target, unit) = (input.Target, input.Unit);
        var now = $"{Number(input.LastLoad)} {unit} now";
        var planned = needed == 1 ? "1 replica is" : $"{needed} replicas are";
        if (load <= target.FloorLoad && target.FloorLoad > Math.Max(input.LastLoad, input.ForecastLoad ?? 0))
        {
            return $"{now}, the floor is {Number(target.FloorLoad)}; {planned} needed";
        }

        if (input.ForecastLoad is not { } forecast)
            return $"{now}, no forecast yet; {planned} needed";
        var soon = Duration(input.Step * (target.StartupSteps + 1));
        return forecast > input.LastLoad
            ? $"{now}, up to {Number(forecast)} expected within {soon}; {planned} needed"
            : $"{now}, no more than that expected within {soon}; {planned} needed";
    }
}
