using EventStream.Forecasting;
using EventStream.Forecasting.GradientBoosting;

namespace EventStream.Unit.Tests.Forecasting;

/// <summary>The gradient-boosted member: what it learns, that it keeps it, and where it takes part.</summary>
public sealed class GradientBoostedTests
{
    private static readonly Season Half = new(48, TimeSpan.FromMinutes(30));
    private static readonly Lazy<History> Noisy = new(() =>
        SyntheticLoad.Series(Half, 2016 + 48, SyntheticLoad.Weekly, noise: 0.5)
    );

    private static readonly Lazy<BoostedModels> Models = new(() => CombinedForecaster.Train(Known, Half));

    private static History Known => Noisy.Value.Prefix(2016);

    [Fact]
    public void It_knows_the_weekend_before_it_begins()
    {
        var known = Noisy.Value.Prefix(40 * 48);
        var fit = new GradientBoosted().Fit(known, Half);
        var error = SyntheticLoad.Error(fit.Forecast(known, 48), Noisy.Value, known.Count);
        var naive = SyntheticLoad.Error(Naive.OfDay.Fit(known, Half).Forecast(known, 48), Noisy.Value, known.Count);
        Assert.True(error < 0.6 * naive, $"{error:0.0}, yesterday repeated: {naive:0.0}");
    }

    [Fact]
    public void The_same_history_gives_the_same_model()
    {
        var again = CombinedForecaster.Train(Known, Half);
        Assert.Equal(Path(Models.Value.Forecast), Path(again.Forecast));
        Assert.Equal(Path(Models.Value.Calibration), Path(again.Calibration));
    }

    [Fact]
    public void A_saved_model_scores_the_same_to_the_bit()
    {
        var loaded = Reload(Models.Value.Forecast, Models.Value.Forecast.IsWeekly);
        Assert.Equal(
            Path(Models.Value.Forecast).Select(BitConverter.DoubleToInt64Bits),
            Path(loaded).Select(BitConverter.DoubleToInt64Bits)
        );
    }

    [Fact]
    public void A_model_of_other_features_is_refused() =>
        Assert.Contains(
            "features, and",
            Assert.Throws<FormatException>(() => Reload(Models.Value.Forecast, weekly: false)).Message
        );

    [Fact]
    public void Bytes_that_are_no_model_are_refused() =>
        Assert.Throws<FormatException>(() =>
            GradientBoostedFit.Load(new MemoryStream([1, 2, 3]), Half, weekly: true, 0)
        );

    [Fact]
    public void It_has_weight_beyond_an_hour_and_none_within_it()
    {
        var fit = new CombinedForecaster().Fit(Known, Half, Models.Value);
        Assert.True(fit.Predict(Known, 48).Weights.GetValueOrDefault("gboost") > 0);
        Assert.DoesNotContain("gboost", fit.Predict(Known, Half.Hour).Weights.Keys);
        Assert.DoesNotContain("gboost", new CombinedForecaster().Fit(Known, Half).Predict(Known, 48).Weights.Keys);
    }

    [Fact]
    public void Its_weight_is_not_learned_on_steps_that_it_was_trained_on()
    {
        var cheating = Models.Value with { Calibration = Models.Value.Forecast };
        var weights = new CombinedForecaster().Fit(Known, Half, cheating).Predict(Known, 48).Weights;
        Assert.DoesNotContain("gboost", weights.Keys);
    }

    [Fact]
    public void Less_than_two_thousand_steps_are_not_trained_on()
    {
        var few = Known.Prefix(BoostedModels.StepsMin - 1);
        Assert.False(BoostedModels.Allow(few, Half));
        Assert.Contains(
            "needs 2000 steps",
            Assert.Throws<ArgumentException>(() => CombinedForecaster.Train(few, Half)).Message
        );
    }

    [Fact]
    public void It_is_due_a_day_after_its_training()
    {
        var later = Noisy.Value;
        Assert.False(Models.Value.AreDue(later.Prefix(2016 + 47), Half));
        Assert.True(Models.Value.AreDue(later.Prefix(2016 + 48), Half));
        Assert.True(Models.Value.AreDue(Known.Prefix(2000), Half));
    }

    [Fact]
    public void Training_can_be_cancelled()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => CombinedForecaster.Train(Known, Half, cancelled.Token));
    }

    private static double[] Path(GradientBoostedFit fit) => fit.Forecast(Known, 48);

    private static GradientBoostedFit Reload(GradientBoostedFit fit, bool weekly)
    {
        using var bytes = new MemoryStream();
        fit.Save(bytes);
        bytes.Position = 0;
        return GradientBoostedFit.Load(bytes, fit.Season, weekly, fit.LastStep);
    }
}
