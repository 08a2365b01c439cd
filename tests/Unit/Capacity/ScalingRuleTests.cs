using EventStream.Capacity.Scaling;
using FsCheck;
using FsCheck.Fluent;

namespace EventStream.Unit.Tests.Capacity;

public class ScalingRuleTests
{
    private static readonly ScalingTarget Target = new()
    {
        Name = "encode-workers",
        Resource = "viewers",
        UnitsPerReplica = 100,
        Utilisation = 0.85,
        MinReplicas = 1,
        MaxReplicas = 4,
        StartupSteps = 2,
        ScaleInHoldSteps = 3,
    };

    [Theory]
    [InlineData("predictive", 1, 50, 60.0, 1)] // within one replica
    [InlineData("predictive", 1, 50, 86.0, 2)] // the forecast asks for a second one
    [InlineData("predictive", 1, 86, 50.0, 2)] // the last load asks for it although the forecast falls
    [InlineData("predictive", 1, 85, 85.0, 1)] // exactly full at the planned utilisation
    [InlineData("predictive", 2, 10, 1000.0, 4)] // capped
    [InlineData("predictive", 0, 0, 0.0, 1)] // never below the minimum
    [InlineData("predictive", 6, 10, 10.0, 4)] // above the maximum comes in at once
    [InlineData("predictive", 3, 60, null, 3)] // no forecast: the last load, and the hold
    [InlineData("reactive", 1, 86, 500.0, 1)] // within a tenth of the wanted utilisation, forecasts are not read
    [InlineData("reactive", 1, 120, 0.0, 2)]
    [InlineData("reactive", 0, 120, 0.0, 2)]
    public void Rules_turn_load_into_replicas(string rule, int current, double load, double? forecast, int expected)
    {
        var advice = ScalingRules.Find(rule)!.Decide(new ScalingInput(Target, current, load, forecast, []));
        Assert.Equal(expected, advice.Desired);
    }

    [Theory]
    [InlineData(new int[0], 4)] // one look is not enough
    [InlineData(new[] { 2 }, 4)]
    [InlineData(new[] { 3, 2 }, 3)] // in to the largest of the hold
    [InlineData(new[] { 4, 3, 2 }, 3)] // what left the hold no longer counts
    [InlineData(new[] { 1, 1 }, 2)]
    public void Scaling_in_waits_for_the_hold(int[] recent, int expected)
    {
        var advice = new PredictiveRule().Decide(new ScalingInput(Target, 4, 100, 120, recent));
        Assert.Equal(2, advice.Recommended);
        Assert.Equal(expected, advice.Desired);
    }

    [Fact]
    public void The_floor_is_provided_for_when_nobody_watches()
    {
        var target = Target with { FloorLoad = 200 };
        var advice = new PredictiveRule().Decide(new ScalingInput(target, 1, 0, 5, []));
        Assert.Equal(3, advice.Desired);
        Assert.Contains("the floor is 200", advice.Reason);
    }

    [Theory]
    [InlineData(
        1,
        120,
        150.0,
        "120 viewers now, up to 150 expected within 3 minutes; 2 replicas are needed: out from 1 to 2."
    )]
    [InlineData(
        2,
        120,
        110.0,
        "120 viewers now, no more than that expected within 3 minutes; 2 replicas are needed: 2 stay."
    )]
    [InlineData(
        1,
        900,
        null,
        "900 viewers now, no forecast yet; 11 replicas are needed, capped at 4 by MaxReplicas: out from 1 to 4."
    )]
    public void The_reason_is_a_sentence_for_the_operator(int current, double load, double? forecast, string expected)
    {
        var input = new ScalingInput(Target, current, load, forecast, []) { Unit = "viewers" };
        Assert.Equal(expected, new PredictiveRule().Decide(input).Reason);
    }

    [Fact]
    public void A_decision_stays_within_bounds_and_scaling_out_always_provides_for_the_load()
    {
        var inputs = (
            from current in Gen.Choose(0, 8)
            from load in Gen.Choose(0, 900)
            from forecast in Gen.Choose(0, 900)
            from recent in Gen.Choose(1, 4).ArrayOf()
            select new ScalingInput(Target, current, load, forecast, recent)
        ).ToArbitrary();
        Prop.ForAll(
                inputs,
                input =>
                {
                    var advice = new PredictiveRule().Decide(input);
                    var need = Math.Max(input.LastLoad, input.ForecastLoad ?? 0);
                    return advice.Desired >= Target.MinReplicas
                        && advice.Desired <= Target.MaxReplicas
                        && (advice.Desired == Target.MaxReplicas || Target.Planned(advice.Desired) >= need - 1e-6)
                        && advice.Reason.EndsWith('.');
                }
            )
            .QuickCheckThrowOnFailure();
    }

    [Fact]
    public void More_load_never_means_fewer_replicas()
    {
        var pairs = (
            from a in Gen.Choose(0, 900)
            from b in Gen.Choose(0, 900)
            from current in Gen.Choose(1, 4)
            from recent in Gen.Choose(1, 4).ArrayOf()
            select (Low: Math.Min(a, b), High: Math.Max(a, b), current, recent)
        ).ToArbitrary();
        Prop.ForAll(
                pairs,
                pair =>
                {
                    int Desired(double load) =>
                        new PredictiveRule()
                            .Decide(new ScalingInput(Target, pair.current, load, load, pair.recent))
                            .Desired;
                    return Desired(pair.Low) <= Desired(pair.High);
                }
            )
            .QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Every_mistake_in_a_target_is_named_with_its_setting()
    {
        var target = new ScalingTarget
        {
            Utilisation = 1.5,
            UnitsPerReplica = 0,
            MaxReplicas = 0,
            Rule = "magic",
            Actuator = "hand",
        };
        var errors = target.Errors().ToList();
        string[] named = ["Name", "Resource", "UnitsPerReplica", "Utilisation", "MaxReplicas", "Rule", "Actuator"];
        Assert.All(
            named,
            setting => Assert.Contains(errors, error => error.StartsWith(setting, StringComparison.Ordinal))
        );
        Assert.Contains(errors, error => error.Contains("predictive, reactive", StringComparison.Ordinal));
    }
}
