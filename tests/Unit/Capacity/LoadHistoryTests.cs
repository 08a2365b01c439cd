using EventStream.Capacity;
using EventStream.Contracts;

namespace EventStream.Unit.Tests.Capacity;

/// <summary>Steps with gaps and jumps, in compressed time: four steps of three seconds are a day.</summary>
public class LoadHistoryTests
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(3);

    [Fact]
    public void A_missing_step_takes_the_value_of_a_day_before()
    {
        var load = Create();
        double[] day = [1, 2, 3, 4];
        for (var step = 0; step < 4; step++)
            Put(load, step, day[step]);
        Put(load, 4, 1);
        Put(load, 7, 4);
        Assert.Equal([1, 2, 3, 4, 1, 2, 3, 4], load.Slow.Maxima.Values.ToArray());
    }

    [Fact]
    public void Old_steps_are_dropped_and_the_phase_of_the_day_stays()
    {
        var load = Create();
        for (var step = 0; step < 500; step++)
            Put(load, step, step % 4);
        var history = load.Slow.Maxima;
        Assert.InRange(history.Count, 49 * 4, 56 * 4);
        Assert.Equal(499, history.LastStep);
        for (var i = 0; i < history.Count; i++)
            Assert.Equal((history.FirstStep + i) % 4, history.Span[i]);
    }

    [Fact]
    public void A_late_step_before_the_first_is_taken()
    {
        var load = Create();
        Put(load, 100, 1);
        Put(load, 101, 2);
        Put(load, 98, 9);
        Assert.Equal([9, 9, 1, 2], load.Slow.Maxima.Values.ToArray());
    }

    [Fact]
    public void A_gap_longer_than_what_is_kept_starts_a_new_history()
    {
        var load = Create();
        Put(load, 1, 1);
        Put(load, 1_000_000, 3);
        Put(load, 1_000_001, 4);
        Assert.Equal([3, 4], load.Slow.Maxima.Values.ToArray());
    }

    private static LoadSeries Create() =>
        new(
            "viewers",
            new CapacityOptions
            {
                StepSeconds = 3,
                SeasonSteps = 4,
                HorizonSteps = 4,
            }
        );

    private static void Put(LoadSeries load, long step, double value) =>
        Assert.True(
            load.Take(
                new LoadMeasured(
                    "viewers",
                    DateTimeOffset.UnixEpoch + (step * Step),
                    Step.TotalSeconds,
                    value,
                    "sessions"
                )
            )
        );
}
