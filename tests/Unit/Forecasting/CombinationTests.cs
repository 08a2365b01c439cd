using EventStream.Forecasting;
using FsCheck;
using FsCheck.Fluent;

namespace EventStream.Unit.Tests.Forecasting;

public class CombinationTests
{
    private static readonly Season Hourly = new(24, TimeSpan.FromHours(1));
    private static readonly string[] WeeklyMembers = ["snaive_week", "week_adj"];

    [Fact]
    public void The_same_history_always_gives_the_same_forecast()
    {
        var series = SyntheticLoad.Series(Hourly, 15 * 24, SyntheticLoad.Weekly, noise: 0.5);
        var first = new CombinedForecaster().Fit(series, Hourly).Predict(series, 24);
        var second = new CombinedForecaster().Fit(series, Hourly).Predict(series, 24);
        Assert.Equal(first.Steps, second.Steps);
        Assert.Equal(first.Weights, second.Weights);
    }

    [Fact]
    public void Less_than_a_day_is_answered_by_persistence_with_head_room()
    {
        var series = SyntheticLoad.Series(Hourly, 12, SyntheticLoad.Daily, noise: 0.5);
        var prediction = new CombinedForecaster().Fit(series, Hourly).Predict(series, 6);
        Assert.Equal("reactive", prediction.Model);
        Assert.Equal(["persistence"], prediction.Weights.Keys);
        Assert.All(prediction.Steps, step => Assert.Equal(series.Span[^1], step.Q50, 6));
        Assert.True(prediction.Steps[0].Q99 > series.Span[^1]);
    }

    [Fact]
    public void Two_steps_are_enough_to_begin()
    {
        var prediction = new CombinedForecaster()
            .Fit(new History(new double[] { 10, 12 }, 0), Hourly)
            .Predict(new History(new double[] { 10, 12 }, 0), 3);
        Assert.Equal(12, prediction.Steps[2].Q50, 6);
        Assert.True(prediction.WindowMax(3, 0.99) >= 18 - 1e-9);
    }

    [Fact]
    public void Between_one_and_two_days_the_day_ahead_follows_yesterday()
    {
        var series = SyntheticLoad.Series(Hourly, 60, SyntheticLoad.Daily, noise: 0.2);
        var known = series.Prefix(36);
        var prediction = new CombinedForecaster().Fit(known, Hourly).Predict(known, 24);
        var error = SyntheticLoad.Error([.. prediction.Steps.Select(s => s.Q50)], series, 36);
        var persistence = SyntheticLoad.Error([.. Enumerable.Repeat(known.Span[^1], 24)], series, 36);
        Assert.True(error < 0.4 * persistence, $"{error:0.0} against {persistence:0.0} by persistence");
    }

    [Theory]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(9)]
    public void Weekly_parts_are_forbidden_before_ten_days(int days)
    {
        var series = SyntheticLoad.Series(Hourly, days * 24, SyntheticLoad.Weekly, noise: 0.5);
        var weights = new CombinedForecaster().Fit(series, Hourly).Predict(series, 24).Weights;
        Assert.DoesNotContain(weights.Keys, WeeklyMembers.Contains);
    }

    [Fact]
    public void From_three_weeks_on_weekly_members_carry_weight()
    {
        var series = SyntheticLoad.Series(Hourly, 28 * 24, SyntheticLoad.Weekly, noise: 0.5);
        var weights = new CombinedForecaster().Fit(series, Hourly).Predict(series, 24).Weights;
        Assert.Contains(weights.Keys, WeeklyMembers.Contains);
    }

    [Fact]
    public void Weights_sum_to_one_and_persistence_stays_out_beyond_an_hour()
    {
        var series = SyntheticLoad.Series(Hourly, 20 * 24, SyntheticLoad.Daily, noise: 1);
        var weights = new CombinedForecaster().Fit(series, Hourly).Predict(series, 24).Weights;
        Assert.Equal(1, weights.Values.Sum(), 2);
        Assert.True(weights.GetValueOrDefault("persistence") <= 1.0 / 24 + 1e-4);
    }

    [Fact]
    public void Where_nothing_repeats_the_guard_keeps_near_the_best_naive_forecast()
    {
        var cells = Backtest.Run("walk", Walk(seed: 3, days: 30), Hourly);
        double Mase(string model, string horizon) => cells.Single(c => c.Model == model && c.Horizon == horizon).Mase;
        Assert.True(Mase("comb_w", "1h") < 1.1 * Mase("persistence", "1h"));
        Assert.True(Mase("comb_w", "24h") < 1.1 * Math.Min(Mase("snaive_day", "24h"), Mase("snaive_week", "24h")));
    }

    [Fact]
    public void The_guard_moves_to_a_naive_forecast_by_degrees()
    {
        var weights = Enumerable
            .Range(1, 20)
            .Select(seed => new History(Walk(seed, days: 20), 0))
            .Select(walk => new CombinedForecaster().Fit(walk, Hourly).Predict(walk, 1).Weights["persistence"])
            .ToList();
        Assert.Contains(weights, weight => weight == 1);
        Assert.Contains(weights, weight => weight < 0.3);
        Assert.True(weights.Count(weight => weight is > 0.4 and < 0.9) >= 3, string.Join(" ", weights));
    }

    [Fact]
    public void Four_compressed_days_are_enough_to_follow_the_curve()
    {
        var season = SyntheticLoad.Compressed;
        var series = SyntheticLoad.Series(season, 5 * 24, SyntheticLoad.Daily, noise: 0.5);
        var known = series.Prefix(4 * 24);
        var prediction = new CombinedForecaster().Fit(known, season).Predict(known, 24);
        var error = SyntheticLoad.Error([.. prediction.Steps.Select(s => s.Q50)], series, 4 * 24);
        Assert.True(error < 9, $"{error:0.0} off on a curve of 20 to 180 with noise of 5");
    }

    [Fact]
    public void Quantiles_cover_held_out_load_as_often_as_they_say()
    {
        var series = SyntheticLoad.Series(Hourly, 60 * 24, SyntheticLoad.Weekly, noise: 1, seed: 11);
        int total = 0,
            below90 = 0,
            below95 = 0,
            below99 = 0;
        for (var fitDay = 35; fitDay < 58; fitDay += 3)
        {
            var fit = new CombinedForecaster().Fit(series.Prefix(fitDay * 24), Hourly);
            for (var origin = fitDay * 24; origin < (fitDay + 2) * 24; origin += 5)
            {
                var steps = fit.Predict(series.Prefix(origin), 24).Steps;
                for (var h = 0; h < 24; h++, total++)
                {
                    var actual = series.Span[origin + h];
                    if (actual <= steps[h].Q90)
                        below90++;
                    if (actual <= steps[h].Q95)
                        below95++;
                    if (actual <= steps[h].Q99)
                        below99++;
                }
            }
        }

        Assert.InRange((double)below90 / total, 0.85, 0.95);
        Assert.InRange((double)below95 / total, 0.91, 0.98);
        Assert.InRange((double)below99 / total, 0.97, 1);
    }

    [Fact]
    public void The_window_maximum_covers_the_largest_of_several_steps()
    {
        var series = SyntheticLoad.Series(Hourly, 60 * 24, SyntheticLoad.Daily, noise: 1, seed: 5);
        int total = 0,
            covered = 0;
        for (var fitDay = 30; fitDay < 58; fitDay += 4)
        {
            var fit = new CombinedForecaster().Fit(series.Prefix(fitDay * 24), Hourly);
            for (var origin = fitDay * 24; origin < (fitDay + 3) * 24; origin++, total++)
            {
                var limit = fit.Predict(series.Prefix(origin), 4).WindowMax(4, 0.95);
                if (series.Span.Slice(origin, 4).ToArray().Max() <= limit)
                    covered++;
            }
        }

        Assert.InRange((double)covered / total, 0.90, 1);
    }

    [Fact]
    public void Quantiles_never_cross_and_are_never_negative_whatever_the_history()
    {
        var histories = Gen.Choose(0, 100_000)
            .Select(seed => (seed, random: new Random(seed)))
            .Select(x =>
                Enumerable
                    .Range(0, 2 + (x.seed % 150))
                    .Select(_ => x.random.Next(4) == 0 ? 0 : Math.Pow(10, 6 * x.random.NextDouble()))
                    .ToArray()
            )
            .ToArbitrary();
        Prop.ForAll(
                histories,
                values =>
                {
                    var history = new History(values, values.Length);
                    var steps = new CombinedForecaster().Fit(history, Hourly).Predict(history, 24).Steps;
                    return steps.All(s =>
                        double.IsFinite(s.Q99) && s.Q50 >= 0 && s.Q50 <= s.Q90 && s.Q90 <= s.Q95 && s.Q95 <= s.Q99
                    );
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(60));
    }

    private static double[] Walk(int seed, int days)
    {
        var random = new Random(seed);
        var walk = new double[days * 24];
        walk[0] = 400;
        for (var t = 1; t < walk.Length; t++)
            walk[t] = Math.Max(1, walk[t - 1] + (20 * (random.NextDouble() - 0.5)));
        return walk;
    }
}
