using EventStream.Forecasting;

namespace EventStream.Unit.Tests.Forecasting;

/// <summary>The scaler's own forecast: the most that may come in the next minutes.</summary>
public class PeakFitTests
{
    private const int Window = 3;
    private static readonly Season Minutes = new(288, TimeSpan.FromMinutes(5));

    [Fact]
    public void One_minute_of_load_is_enough_for_persistence_with_head_room()
    {
        var history = new History(new double[] { 20 }, 0);
        var fit = PeakFit.On(history, Minutes, Window, CancellationToken.None);
        Assert.True(fit.IsReactive);
        Assert.Equal(30, fit.Quantile(history, 0.99), 6);
    }

    [Fact]
    public void Below_a_day_the_last_minute_holds_with_what_the_series_has_moved_so_far_as_head_room()
    {
        var values = Enumerable.Range(0, 100).Select(t => t % 10 == 9 ? 60.0 : 50).ToArray();
        var history = new History(values.AsMemory(0, 98), 0);
        var fit = PeakFit.On(history, Minutes, Window, CancellationToken.None);
        Assert.True(fit.IsReactive);
        Assert.InRange(fit.Quantile(history, 0.99), 58, 68);
    }

    [Fact]
    public void From_the_second_day_on_a_rise_that_comes_daily_is_foreseen()
    {
        var series = SyntheticLoad.Series(Minutes, 6 * 288, Burst);
        var before = series.Prefix((5 * 288) + 99);
        var fit = PeakFit.On(before, Minutes, Window, CancellationToken.None);
        Assert.False(fit.IsReactive);
        Assert.Equal(40, before.Span[^1]);
        Assert.InRange(fit.Quantile(before, 0.9), 100, 300);
    }

    [Theory]
    [InlineData(0.95, 0.91, 0.985)]
    [InlineData(0.99, 0.97, 1)]
    public void The_most_of_the_next_minutes_stays_below_the_quantile_as_often_as_promised(
        double level,
        double least,
        double most
    )
    {
        var series = SyntheticLoad.Series(Minutes, 14 * 288, SyntheticLoad.Daily, noise: 1);
        PeakFit? fit = null;
        int below = 0,
            all = 0;
        for (var origin = 9 * 288; origin < series.Count - Window; origin++)
        {
            var known = series.Prefix(origin + 1);
            if (fit is null || origin % 144 == 0)
                fit = PeakFit.On(known, Minutes, Window, CancellationToken.None);
            all++;
            var actual = Math.Max(Math.Max(series.Span[origin + 1], series.Span[origin + 2]), series.Span[origin + 3]);
            if (actual <= fit.Quantile(known, level))
                below++;
        }

        Assert.InRange((double)below / all, least, most);
    }

    [Fact]
    public void Idle_load_is_forecast_as_none()
    {
        var history = new History(new double[3 * 288], 0);
        Assert.Equal(0, PeakFit.On(history, Minutes, Window, CancellationToken.None).Quantile(history, 0.99), 3);
    }

    /// <summary>40, and 200 from the hundredth step of each day on for fifty steps.</summary>
    private static double Burst(Season season, long step) => step % season.Day is >= 100 and < 150 ? 200 : 40;
}
