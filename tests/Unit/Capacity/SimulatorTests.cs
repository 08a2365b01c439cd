using EventStream.Capacity.Scaling;
using EventStream.Forecasting;
using EventStream.Unit.Tests.Forecasting;

namespace EventStream.Unit.Tests.Capacity;

public class SimulatorTests
{
    private static readonly ScalingTarget Target = new()
    {
        Name = "x",
        Resource = "viewers",
        UnitsPerReplica = 10,
        Utilisation = 0.9,
        MaxReplicas = 100,
        StartupSteps = 2,
        ScaleInHoldSteps = 5,
    };

    private static readonly SimulationOptions World = new() { Target = Target, StepsPerDay = 24 };

    [Fact]
    public void A_constant_load_costs_what_the_oracle_pays_and_violates_nothing()
    {
        var result = Simulator.Run(new ReactiveRule(), Enumerable.Repeat(45.0, 240).ToArray(), 24, _ => null, World);
        Assert.Equal(new SimulationResult(0, 1, 5), result);
    }

    [Fact]
    public void A_jump_that_nobody_expects_violates_until_the_new_replicas_are_ready()
    {
        var load = Enumerable.Range(0, 48).Select(step => step < 30 ? 9.0 : 90).ToArray();
        var result = Simulator.Run(new PredictiveRule(), load, 24, _ => null, World);
        // One step until the jump is seen and two until the replicas carry load, in one day of 24 steps.
        Assert.Equal(3, result.ViolationStepsPerDay, 6);
    }

    [Fact]
    public void Foresight_of_the_start_up_window_violates_nothing()
    {
        var load = Enumerable.Range(0, 48).Select(step => step < 30 ? 9.0 : 90).ToArray();
        double? Oracle(int seen) => load[seen..Math.Min(load.Length, seen + 4)].DefaultIfEmpty(load[^1]).Max();
        Assert.Equal(0, Simulator.Run(new PredictiveRule(), load, 24, Oracle, World).ViolationStepsPerDay);
    }

    [Fact]
    public void On_a_steep_daily_curve_prediction_spares_violations_that_reaction_cannot()
    {
        var season = new Season(24, TimeSpan.FromHours(1));
        var series = SyntheticLoad.Series(season, 40 * 24, SyntheticLoad.Daily, noise: 0.3);
        var load = series.Values.ToArray();
        const int From = 30 * 24;
        CombinedFit? fit = null;
        double? Forecast(int seen)
        {
            if (fit is null || seen % 24 == 0)
                fit = new CombinedForecaster().Fit(series.Prefix(seen), season);
            return fit.Predict(series.Prefix(seen), 24).WindowMax(Target.StartupSteps + 1, 0.99);
        }

        var predictive = Simulator.Run(new PredictiveRule(), load, From, Forecast, World);
        var reactive = Simulator.Run(new ReactiveRule(), load, From, _ => null, World);
        Assert.True(reactive.ViolationStepsPerDay > 3, $"reactive: {reactive}");
        Assert.True(predictive.ViolationStepsPerDay < reactive.ViolationStepsPerDay / 5, $"predictive: {predictive}");
    }
}
