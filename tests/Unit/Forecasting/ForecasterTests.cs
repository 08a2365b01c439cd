using EventStream.Forecasting;

namespace EventStream.Unit.Tests.Forecasting;

public class ForecasterTests
{
    private static readonly Season Hourly = new(24, TimeSpan.FromHours(1));

    public static TheoryData<string> Models =>
        ["day_adj", "week_adj", "dshw", "dhr_ar", "ridge", "ssa_day", "snaive_day", "snaive_week"];

    [Fact]
    public void Persistence_repeats_the_last_value()
    {
        var path = Naive.OfStep.Fit(Values(3, 1, 4), Hourly).Forecast(Values(3, 1, 4), 3);
        Assert.Equal([4, 4, 4], path);
    }

    [Fact]
    public void The_day_naive_forecast_repeats_yesterday_and_then_itself()
    {
        var season = new Season(3, TimeSpan.FromHours(8));
        var history = Values(9, 9, 9, 1, 2, 3);
        Assert.Equal([1, 2, 3, 1, 2], Naive.OfDay.Fit(history, season).Forecast(history, 5));
    }

    [Fact]
    public void The_week_naive_forecast_repeats_the_same_day_of_last_week()
    {
        var season = new Season(2, TimeSpan.FromHours(12));
        var history = Values([.. Enumerable.Range(0, 20).Select(i => (double)i)]);
        Assert.Equal([6, 7, 8], Naive.OfWeek.Fit(history, season).Forecast(history, 3));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void A_model_continues_a_daily_curve_without_noise(string name)
    {
        var series = SyntheticLoad.Series(Hourly, 22 * 24, SyntheticLoad.Daily);
        const int Origin = (21 * 24) + 5;
        var known = series.Prefix(Origin);
        var path = Named(name).Fit(known, Hourly).Forecast(known, 12);
        var error = SyntheticLoad.Error(path, series, Origin);
        Assert.True(error < 3, $"{name} is {error:0.00} off on a curve of 20 to 180");
    }

    [Theory]
    [InlineData("week_adj")]
    [InlineData("dshw")]
    [InlineData("dhr_ar")]
    [InlineData("ridge")]
    public void A_weekly_model_knows_the_weekend_before_it_begins(string name)
    {
        var series = SyntheticLoad.Series(Hourly, 36 * 24, SyntheticLoad.Weekly);
        const int Origin = 33 * 24;
        var known = series.Prefix(Origin);
        var error = SyntheticLoad.Error(Named(name).Fit(known, Hourly).Forecast(known, 24), series, Origin);
        var naive = SyntheticLoad.Error(Naive.OfDay.Fit(known, Hourly).Forecast(known, 24), series, Origin);
        Assert.True(error < 0.35 * naive, $"{name}: {error:0.0}, yesterday repeated: {naive:0.0}");
    }

    [Fact]
    public void Week_adj_moves_last_week_to_the_present_level()
    {
        var series = SyntheticLoad.Series(
            Hourly,
            22 * 24,
            (season, step) => SyntheticLoad.Daily(season, step) + (step >= 14 * 24 ? 100 : 0)
        );
        const int Origin = 20 * 24;
        var known = series.Prefix(Origin);
        var error = SyntheticLoad.Error(SeasonalLevel.OfWeek.Fit(known, Hourly).Forecast(known, 6), series, Origin);
        Assert.True(error < 20, $"{error:0.0} off after the level rose by 100");
    }

    [Fact]
    public void Ssa_follows_a_sum_of_two_sines_for_a_day()
    {
        var series = SyntheticLoad.Series(
            Hourly,
            20 * 24,
            (_, t) => 100 + (40 * Math.Sin(2 * Math.PI * t / 24)) + (20 * Math.Cos(2 * Math.PI * t / 9.3))
        );
        const int Origin = 19 * 24;
        var known = series.Prefix(Origin);
        var error = SyntheticLoad.Error(new SingularSpectrum().Fit(known, Hourly).Forecast(known, 24), series, Origin);
        Assert.True(error < 1, $"{error:0.00} off");
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void A_constant_series_stays_constant(string name)
    {
        var history = Values([.. Enumerable.Repeat(50.0, 16 * 24)]);
        var path = Named(name).Fit(history, Hourly).Forecast(history, 24);
        Assert.All(path, value => Assert.Equal(50, value, 3));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void A_model_refuses_a_history_below_its_minimum_and_says_so(string name)
    {
        var model = Named(name);
        var history = Values(new double[model.MinimumSteps(Hourly) - 1]);
        var e = Assert.Throws<ArgumentException>(() => model.Fit(history, Hourly));
        Assert.Contains($"{name} needs {model.MinimumSteps(Hourly)} steps", e.Message);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void The_phase_survives_the_loss_of_old_steps(string name)
    {
        var series = SyntheticLoad.Series(Hourly, 40 * 24, SyntheticLoad.Weekly, noise: 0.3);
        var whole = series.Prefix(30 * 24);
        var fit = Named(name).Fit(whole, Hourly);
        var later = series.Prefix(35 * 24);
        var cut = later.Tail(32 * 24);
        Assert.Equal(3 * 24, cut.FirstStep);
        var gap = fit.Forecast(later, 24).Zip(fit.Forecast(cut, 24), (a, b) => Math.Abs(a - b)).Max();
        Assert.True(gap < 15, $"{name}: {gap:0.00} apart");
    }

    [Fact]
    public void A_long_fit_can_be_cancelled()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        var series = SyntheticLoad.Series(Hourly, 22 * 24, SyntheticLoad.Daily);
        Assert.ThrowsAny<OperationCanceledException>(() =>
            new CombinedForecaster().Fit(series, Hourly, cancellationToken: cancelled.Token)
        );
    }

    private static History Values(params double[] values) => new(values, 0);

    private static IForecaster Named(string name) =>
        name switch
        {
            "day_adj" => SeasonalLevel.OfDay,
            "week_adj" => SeasonalLevel.OfWeek,
            "dshw" => new DoubleSeasonal(),
            "dhr_ar" => new HarmonicRegression(),
            "ridge" => new DirectRidge(),
            "ssa_day" => new SingularSpectrum(),
            "snaive_day" => Naive.OfDay,
            "snaive_week" => Naive.OfWeek,
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No such model."),
        };
}
