using EventStream.Capacity;
using EventStream.Contracts;

namespace EventStream.Unit.Tests.Capacity;

/// <summary>Measured load becomes minutes and steps, whatever the step in which it was measured.</summary>
public class LoadSeriesTests
{
    private static readonly DateTimeOffset Noon = DateTimeOffset.UnixEpoch.AddDays(20_000).AddHours(12);

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(10)]
    [InlineData(60)]
    [InlineData(300)]
    public void Load_of_any_measured_step_becomes_minutes_and_steps_with_maximum_and_mean(double step)
    {
        var series = new LoadSeries("viewers", new CapacityOptions());
        for (var at = 0.0; at < 900; at += step)
            Take(series, at, step, at < 300 ? 10 : 20, at < 300 ? 12 : 25);
        var (minutes, steps) = (series.Fast, series.Slow);
        Assert.Equal(60, minutes.Season.Step.TotalSeconds);
        Assert.Equal(900 / 60, minutes.Maxima.Count);
        Assert.Equal(Noon, steps.TimeOf(steps.Maxima.FirstStep));
        Assert.Equal(900 / 300, steps.Maxima.Count);
        Assert.Equal((12, 25), (steps.Maxima.Span[0], steps.Maxima.Span[2]));
        Assert.Equal((10, 20), (steps.Means.Span[0], steps.Means.Span[2]), TupleTolerance);
    }

    [Fact]
    public void The_maximum_of_a_step_is_the_peak_of_its_measurements_and_their_value_where_there_is_none()
    {
        var series = new LoadSeries("viewers", new CapacityOptions());
        for (var i = 0; i < 6; i++)
            Take(series, 10 * i, 10, i, peak: i == 2 ? 40 : null);
        Assert.Equal(40, Assert.Single(series.Fast.Maxima.Values.ToArray()));
        Assert.Equal(2.5, Assert.Single(series.Fast.Means.Values.ToArray()), 6);
    }

    [Fact]
    public void A_minute_is_over_with_its_last_measurement_or_when_a_later_one_has_begun()
    {
        var series = new LoadSeries("viewers", new CapacityOptions());
        for (var i = 0; i < 5; i++)
            Take(series, 10 * i, 10, 5);
        Assert.Null(series.FastCompleted);
        Take(series, 50, 10, 5);
        Assert.Equal(Noon.AddMinutes(1), series.CompleteUntil);
        for (var i = 6; i < 11; i++)
            Take(series, 10 * i, 10, 5);
        Assert.Equal(Noon.AddMinutes(1), series.CompleteUntil);
        Take(series, 120, 10, 5);
        Assert.Equal(Noon.AddMinutes(2), series.CompleteUntil);
    }

    [Fact]
    public void A_minute_of_which_too_little_was_measured_is_incomplete_and_no_zero()
    {
        var series = new LoadSeries("viewers", new CapacityOptions());
        for (var i = 0; i < 6; i++)
            Take(series, 10 * i, 10, 50);
        Take(series, 60, 10, 50);
        Take(series, 70, 10, 50);
        for (var i = 18; i < 24; i++)
            Take(series, 10 * i, 10, 50);
        var minutes = series.Fast;
        Assert.Equal([50, 50, 50, 50], minutes.Maxima.Values.ToArray());
        Take(series, 360, 10, 50);
        Assert.Equal(Noon.AddMinutes(4), series.CompleteUntil);
        Assert.NotEqual(series.Fast.Completed, series.Fast.LastComplete);
        Assert.All(series.Fast.Maxima.Values.ToArray(), value => Assert.Equal(50, value));
    }

    [Fact]
    public void A_series_that_begins_within_a_minute_has_no_minute_before()
    {
        var series = new LoadSeries("viewers", new CapacityOptions());
        for (var at = 50; at < 120; at += 10)
            Take(series, at, 10, 7);
        Assert.Equal([7], series.Fast.Maxima.Values.ToArray());
        Assert.Equal(Noon.AddMinutes(1), series.Fast.TimeOf(series.Fast.Maxima.FirstStep));
    }

    [Fact]
    public void Repeated_records_change_nothing_and_a_corrected_one_replaces_its_predecessor()
    {
        var series = new LoadSeries("viewers", new CapacityOptions());
        for (var pass = 0; pass < 2; pass++)
        {
            for (var i = 0; i < 12; i++)
            {
                Assert.True(Take(series, 10 * i, 10, 1 + i));
            }
        }

        Assert.Equal([6, 12], series.Fast.Maxima.Values.ToArray());
        Assert.Equal([3.5, 9.5], series.Fast.Means.Values.ToArray());
        Assert.True(Take(series, 50, 10, 0));
        Assert.Equal([5, 12], series.Fast.Maxima.Values.ToArray());
    }

    [Fact]
    public void Late_records_are_taken_within_an_hour_and_refused_beyond()
    {
        var series = new LoadSeries("viewers", new CapacityOptions());
        for (var at = 0; at < 2 * 3600; at += 10)
        {
            if (at is < 6000 or >= 6060)
                Take(series, at, 10, 1);
        }

        Assert.Equal(1, series.Fast.Maxima.Span[100]);
        for (var at = 6000; at < 6060; at += 10)
            Assert.True(Take(series, at, 10, 9));
        Assert.Equal(9, series.Fast.Maxima.Span[100]);
        Assert.False(Take(series, 0, 10, 99));
        Assert.Equal(1, series.Fast.Maxima.Span[0]);
    }

    [Fact]
    public void Weeks_of_load_keep_a_bounded_history_in_both_resolutions()
    {
        var options = new CapacityOptions
        {
            StepSeconds = 300,
            SeasonSteps = 4,
            HorizonSteps = 4,
        };
        var series = new LoadSeries("viewers", options);
        for (var at = 0; at < 70 * 1200; at += 60)
            Take(series, at, 60, at / 60);
        Assert.InRange(series.Slow.Maxima.Count, 49 * 4, 56 * 4);
        Assert.InRange(series.Fast.Maxima.Count, 21 * 20, 28 * 20);
        Assert.Equal((70 * 20) - 1, series.Fast.Maxima.Span[^1]);
        Assert.Equal((70 * 20) - 1, series.Slow.Maxima.Span[^1]);
    }

    [Fact]
    public void In_compressed_time_a_step_serves_as_the_minute()
    {
        var options = new CapacityOptions
        {
            StepSeconds = 3,
            SeasonSteps = 24,
            HorizonSteps = 24,
        };
        Assert.False(options.HasMinutes);
        var series = new LoadSeries("viewers", options);
        for (var i = 0; i < 5; i++)
            Take(series, 3 * i, 3, i);
        Assert.Equal(5, series.Slow.Maxima.Count);
        Assert.Equal(series.Slow.Maxima.Values.ToArray(), series.Fast.Maxima.Values.ToArray());
    }

    private static IEqualityComparer<(double, double)> TupleTolerance { get; } =
        EqualityComparer<(double, double)>.Create(
            (a, b) => Math.Abs(a.Item1 - b.Item1) < 0.3 && Math.Abs(a.Item2 - b.Item2) < 0.3,
            _ => 0
        );

    private static bool Take(LoadSeries series, double seconds, double step, double value, double? peak = null) =>
        series.Take(new LoadMeasured("viewers", Noon.AddSeconds(seconds), step, value, "sessions", peak));
}
