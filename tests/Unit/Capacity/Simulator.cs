using EventStream.Capacity.Scaling;

namespace EventStream.Unit.Tests.Capacity;

/// <summary>The world of a what-if: loads and times in steps.</summary>
public sealed record SimulationOptions
{
    /// <summary>Settings of the scaler; its start-up and hold are those of the world too.</summary>
    public required ScalingTarget Target { get; init; }

    /// <summary>Steps in a day, to count violations a day.</summary>
    public int StepsPerDay { get; init; } = 1440;

    /// <summary>Steps by which the last measurement is late: 1 means that the step before is known.</summary>
    public int MetricDelaySteps { get; init; } = 1;

    /// <summary>Share of the ready capacity above which a step violates the service level.</summary>
    public double ViolationShare { get; init; } = 0.9;
}

/// <summary>
/// What a policy would have cost and spared. Instance-steps are relative to an oracle that runs, each step, exactly
/// what the load of that step needs.
/// </summary>
public sealed record SimulationResult(double ViolationStepsPerDay, double InstanceStepsToOracle, int ReplicasMax);

/// <summary>
/// Replays a load through a scaling rule. A replica is billed from its launch and carries load after the start-up;
/// out at once, in by the rule's hold; the rule sees measurements late and nothing of the future but its forecast.
/// </summary>
public static class Simulator
{
    /// <summary>
    /// Runs the rule over <paramref name="load"/> from step <paramref name="from"/> on. <paramref name="forecast"/>
    /// is given the number of steps seen so far and answers with the load to plan for until a replica started now is
    /// ready, or null.
    /// </summary>
    public static SimulationResult Run(
        IScalingRule rule,
        ReadOnlySpan<double> load,
        int from,
        Func<int, double?> forecast,
        SimulationOptions options
    )
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(from, options.MetricDelaySteps);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(from, load.Length);
        var target = options.Target;
        var fleet = new Fleet(Math.Max(target.MinReplicas, target.Needed(load[from - 1])), target.StartupSteps);
        var recent = new Queue<int>();
        double billed = 0,
            oracle = 0;
        int violations = 0,
            max = 0;
        for (var step = from; step < load.Length; step++)
        {
            var seen = step - options.MetricDelaySteps + 1;
            var advice = rule.Decide(
                new ScalingInput(target, fleet.Count, load[seen - 1], forecast(seen), [.. recent])
            );
            recent.Enqueue(advice.Recommended);
            while (recent.Count > target.ScaleInHoldSteps)
                recent.Dequeue();
            fleet.Scale(advice.Desired, step);
            if (load[step] > options.ViolationShare * fleet.Ready(step) * target.UnitsPerReplica)
                violations++;
            billed += fleet.Count;
            oracle += Math.Max(1, Math.Ceiling(load[step] / (options.ViolationShare * target.UnitsPerReplica)));
            max = Math.Max(max, fleet.Count);
        }

        var days = (double)(load.Length - from) / options.StepsPerDay;
        return new SimulationResult(violations / days, billed / oracle, max);
    }

    /// <summary>Replicas by the step from which they carry load; the youngest leave first.</summary>
    private sealed class Fleet
    {
        private readonly List<int> readyFrom;
        private readonly int startup;

        public Fleet(int replicas, int startupSteps)
        {
            readyFrom = [.. Enumerable.Repeat(int.MinValue, replicas)];
            startup = startupSteps;
        }

        public int Count => readyFrom.Count;

        public int Ready(int step) => readyFrom.Count(from => from <= step);

        public void Scale(int replicas, int step)
        {
            while (readyFrom.Count < replicas)
                readyFrom.Add(step + startup);
            if (readyFrom.Count > replicas)
                readyFrom.RemoveRange(replicas, readyFrom.Count - replicas);
        }
    }
}
