using System.Globalization;

namespace EventStream.Capacity.Scaling;

/// <summary>
/// What both rules share: out at once, in only to the largest recommendation of the hold, and only once the hold is
/// filled, so that a scaler that has just started never takes replicas away on one look.
/// </summary>
internal static class ScaleInHold
{
    public static ScalingAdvice Advise(ScalingInput input, int recommended, string cause)
    {
        var target = input.Target;
        var bounded = Math.Clamp(recommended, target.MinReplicas, target.MaxReplicas);
        var limit =
            recommended > target.MaxReplicas ? $", capped at {target.MaxReplicas} by MaxReplicas"
            : recommended < target.MinReplicas ? $", raised to {target.MinReplicas} by MinReplicas"
            : "";
        var current = input.CurrentReplicas;
        if (bounded > current)
        {
            return new ScalingAdvice(bounded, bounded, $"{cause}{limit}: out from {current} to {bounded}.");
        }

        if (bounded == current)
            return new ScalingAdvice(bounded, bounded, $"{cause}{limit}: {current} stay.");
        return In(input, bounded, $"{cause}{limit}");
    }

    private static ScalingAdvice In(ScalingInput input, int bounded, string cause)
    {
        var (target, current) = (input.Target, input.CurrentReplicas);
        if (current > target.MaxReplicas)
        {
            return new ScalingAdvice(
                bounded,
                target.MaxReplicas,
                $"{cause}: in from {current} to the maximum {target.MaxReplicas}."
            );
        }

        var earlier = target.ScaleInHoldSteps - 1;
        if (input.Recent.Count < earlier)
        {
            return new ScalingAdvice(
                bounded,
                current,
                $"{cause}: {current} stay until {target.ScaleInHoldSteps} steps agree."
            );
        }

        var held = Math.Max(bounded, input.Recent.TakeLast(earlier).DefaultIfEmpty(bounded).Max());
        if (held >= current)
        {
            return new ScalingAdvice(
                bounded,
                current,
                $"{cause}: {current} stay, the last {target.ScaleInHoldSteps} steps asked for up to {held}."
            );
        }

        return new ScalingAdvice(bounded, held, $"{cause}: in from {current} to {held}.");
    }

    public static string Duration(TimeSpan span) =>
        span < TimeSpan.FromMinutes(2)
            ? $"{Number(span.TotalSeconds)} seconds"
            : $"{Number(span.TotalMinutes)} minutes";

    public static string Number(double value) => value.ToString(value < 10 ? "0.#" : "0", CultureInfo.InvariantCulture);
}
