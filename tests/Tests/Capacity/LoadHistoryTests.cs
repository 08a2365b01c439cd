using EventStream.Capacity;
using EventStream.Capacity.Forecasting;

namespace EventStream.Tests.Capacity;

public class LoadHistoryTests
{
    private static readonly Season Season = new(4, TimeSpan.FromSeconds(3));

    [Fact]
    public void A_step_is_complete_when_a_later_one_begins()
    {
        var load = Create();
        Put(load, 10, 5);
        Assert.Null(load.Completed);
        Put(load, 10, 6);
        Assert.Null(load.Completed);
        Put(load, 11, 7);
        Assert.Equal(10, load.Completed);
        Assert.Equal([6], load.Snapshot().Values.ToArray());
    }

    [Fact]
    public void Reading_the_topic_twice_changes_nothing()
    {
        var load = Create();
        for (var pass = 0; pass < 2; pass++)
        {
            for (var step = 100; step < 120; step++) Put(load, step, step);
        }

        Assert.Equal(Enumerable.Range(100, 19).Select(i => (double)i), load.Snapshot().Values.ToArray());
        Assert.Equal(100, load.Snapshot().FirstStep);
    }

    [Fact]
    public void A_missing_step_takes_the_value_of_a_day_before()
    {
        var load = Create();
        double[] day = [1, 2, 3, 4];
        for (var step = 0; step < 4; step++) Put(load, step, day[step]);
        Put(load, 4, 1);
        Put(load, 7, 4);
        Put(load, 8, 1);
        Assert.Equal([1, 2, 3, 4, 1, 2, 3, 4], load.Snapshot().Values.ToArray());
    }

    [Fact]
    public void Old_steps_are_dropped_and_the_phase_of_the_day_stays()
    {
        var load = Create(stepsMax: 40);
        for (var step = 0; step < 500; step++) Put(load, step, step % 4);
        var history = load.Snapshot();
        Assert.InRange(history.Count, 39, 68);
        Assert.Equal(498, history.LastStep);
        for (var i = 0; i < history.Count; i++) Assert.Equal((history.FirstStep + i) % 4, history.Span[i]);
    }

    [Fact]
    public void A_late_step_before_the_first_is_taken_and_one_beyond_the_bound_refused()
    {
        var load = Create(stepsMax: 10);
        Put(load, 100, 1);
        Put(load, 101, 2);
        Assert.True(load.Put(TimeOf(98), 9, "viewers"));
        Assert.False(load.Put(TimeOf(50), 9, "viewers"));
        Assert.False(load.Put(TimeOf(102), double.NaN, "viewers"));
        Assert.Equal(98, load.Snapshot().FirstStep);
    }

    [Fact]
    public void A_jump_of_time_beyond_the_bound_starts_anew()
    {
        var load = Create(stepsMax: 10);
        Put(load, 1, 1);
        Put(load, 2, 1);
        Put(load, 1_000_000, 3);
        Put(load, 1_000_001, 4);
        Assert.Equal([3], load.Snapshot().Values.ToArray());
    }

    private static LoadHistory Create(int stepsMax = 100) => new("viewers", Season, stepsMax);

    private static DateTimeOffset TimeOf(long step) => DateTimeOffset.UnixEpoch + (step * Season.Step);

    private static void Put(LoadHistory load, long step, double value) =>
        Assert.True(load.Put(TimeOf(step), value, "viewers"));
}
