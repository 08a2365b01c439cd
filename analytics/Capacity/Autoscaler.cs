using EventStream.Capacity.Scaling;
using EventStream.Contracts;

namespace EventStream.Capacity;

/// <summary>
/// The load of a complete minute, for a decision: its number, its start, the most at one instant of it, and the most
/// that is forecast until a replica started now is ready (null: not forecast).
/// </summary>
public sealed record LoadNow(long Step, DateTimeOffset Time, double LastLoad, double? ForecastLoad, string Unit);

/// <summary>
/// Scales one target: looks at what runs, asks the rule, lets the actuator do it, and returns what was decided and
/// whether it was done. It owns the memory that the hold needs, and no clock: a decision's time is that of the minute.
/// </summary>
public sealed class Autoscaler(ScalingTarget target, IActuator actuator, CapacityOptions options)
{
    /// <summary>
    /// Minutes after which a decision is published although nothing changed, so that the operator sees why.
    /// </summary>
    private const int NoChangeEverySteps = 10;

    private readonly IScalingRule rule =
        ScalingRules.Find(target.Rule)
        ?? throw new ArgumentException($"There is no scaling rule '{target.Rule}'.", nameof(target));

    private readonly Queue<int> recent = new();
    private int? assumed;
    private long? publishedStep;
    private long? decidedStep;
    private (int Current, int Desired) lastMove;
    private volatile string? lastError;

    /// <summary>What is scaled.</summary>
    public ScalingTarget Target => target;

    /// <summary>Why the actuator did not do what was decided last, or null where it did.</summary>
    public string? Trouble => lastError is { } error ? $"'{target.Name}' is not scaled: {error}" : null;

    private bool ForecastsOnly => options.ForecastOnly || actuator is NoActuator;

    /// <summary>
    /// One pass for one minute. After a gap in the load the hold begins again, so that nothing is scaled in on what was
    /// known before it. Returns the decision where it changes something, fails otherwise than before, or is
    /// due; null where it only repeats the last one.
    /// </summary>
    public async Task<ScaleDecided?> DecideAsync(LoadNow now, CancellationToken cancellation)
    {
        if (decidedStep is { } before && now.Step != before + 1)
            recent.Clear();
        decidedStep = now.Step;
        var (current, error) = await LookAsync(cancellation);
        var input = new ScalingInput(target, current, now.LastLoad, now.ForecastLoad, [.. recent])
        {
            Unit = now.Unit,
            Step = options.Minutes.Step,
        };
        var advice = rule.Decide(input);
        recent.Enqueue(advice.Recommended);
        while (recent.Count > target.ScaleInHoldSteps)
            recent.Dequeue();
        if (advice.Desired != current && error is null && !ForecastsOnly)
        {
            error = await ApplyAsync(advice, cancellation);
        }

        assumed = ForecastsOnly ? advice.Desired : current;
        var news = IsNews(now.Step, current, advice.Desired, error);
        lastError = error;
        if (!news)
            return null;
        publishedStep = now.Step;
        lastMove = (current, advice.Desired);
        return new ScaleDecided(
            target.Name,
            target.Resource,
            now.Time,
            current,
            advice.Desired,
            rule.Name,
            Reason(advice.Reason),
            now.LastLoad,
            now.ForecastLoad,
            Applied: error is null && !ForecastsOnly,
            error
        );
    }

    private string Reason(string reason) => ForecastsOnly ? $"{reason} Forecast only: nothing is changed." : reason;

    private bool IsNews(long step, int current, int desired, string? error) =>
        publishedStep is not { } published
        || step - published >= NoChangeEverySteps
        || (desired != current && (current, desired) != lastMove)
        || (desired != current && error is null && !ForecastsOnly)
        || !string.Equals(error, lastError, StringComparison.Ordinal);

    private async Task<(int Current, string? Error)> LookAsync(CancellationToken cancellation)
    {
        try
        {
            var known = await actuator.CurrentAsync(target.Name, cancellation);
            return (known ?? assumed ?? target.MinReplicas, null);
        }
        catch (ActuatorException e)
        {
            return (assumed ?? target.MinReplicas, e.Message);
        }
    }

    private async Task<string?> ApplyAsync(ScalingAdvice advice, CancellationToken cancellation)
    {
        try
        {
            var accepted = await actuator.ScaleAsync(target.Name, advice.Desired, advice.Reason, cancellation);
            return accepted == advice.Desired
                ? null
                : $"{actuator.Name}: asked for {advice.Desired} replicas of '{target.Name}', it accepted {accepted}.";
        }
        catch (ActuatorException e)
        {
            return e.Message;
        }
    }
}
