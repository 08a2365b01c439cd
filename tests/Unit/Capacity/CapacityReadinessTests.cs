using EventStream.Capacity;
using EventStream.Capacity.Models;
using EventStream.Capacity.Scaling;
using EventStream.Contracts;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Unit.Tests.Capacity;

/// <summary>Load that does not arrive, or cannot be used, is said and never taken for no load.</summary>
public sealed class CapacityReadinessTests
{
    private readonly Clock clock = new();
    private readonly CapacityOptions options = new()
    {
        Targets =
        [
            new ScalingTarget
            {
                Name = "encode-workers",
                Resource = "viewers",
                Actuator = "none",
            },
        ],
    };

    private readonly LoadReadModel loads;
    private readonly ForecastService forecasts;
    private readonly CapacityReadiness readiness;

    public CapacityReadinessTests()
    {
        loads = new LoadReadModel(options, clock, NullLogger<LoadReadModel>.Instance);
        forecasts = new ForecastService(options, new TrainedModels());
        readiness = new CapacityReadiness(loads, forecasts, [], options, clock);
    }

    [Fact]
    public void A_role_that_has_just_started_has_two_minutes_and_a_half_to_see_load()
    {
        clock.Now += TimeSpan.FromSeconds(150);
        Assert.Null(readiness.Load());
        clock.Now += TimeSpan.FromSeconds(1);
        Assert.Equal("no load of viewers since 12:00:00 UTC", readiness.Load());
    }

    [Fact]
    public void Zeros_are_load()
    {
        for (var at = 0; at < 600; at += 10)
            Take(at, value: 0);
        SetClock(620);
        Assert.Null(readiness.Load());
    }

    [Fact]
    public void Load_that_stops_is_said_with_the_time_since_when_until_it_comes_again()
    {
        for (var at = 0; at < 600; at += 10)
            Take(at);
        SetClock(751);
        Assert.Equal("no load of viewers since 12:10:00 UTC", readiness.Load());
        for (var at = 660; at < 720; at += 10)
            Take(at);
        Assert.Null(readiness.Load());
    }

    [Fact]
    public void Load_of_another_resource_is_none_of_the_target()
    {
        for (var at = 180; at < 300; at += 10)
            Take(at, resource: "edge:edge-a:bytes");
        Assert.Contains("no load of viewers", readiness.Load());
    }

    [Fact]
    public void Load_of_the_encoders_does_not_hide_that_none_of_viewing_comes()
    {
        var untargeted = new CapacityReadiness(loads, forecasts, [], new CapacityOptions(), clock);
        for (var at = 0; at < 600; at += 10)
            Take(at, resource: "encode:fast:waiting");
        SetClock(601);
        Assert.Contains("no load of any resource", untargeted.Load());
        for (var at = 480; at < 600; at += 10)
            Take(at, resource: "edge:edge-a:bytes");
        Assert.Null(untargeted.Load());
    }

    [Fact]
    public void Load_of_which_no_minute_is_complete_is_no_load()
    {
        for (var at = 0; at < 600; at += 40)
            Take(at);
        SetClock(601);
        Assert.Equal("no load of viewers since 12:00:00 UTC", readiness.Load());
    }

    [Theory]
    [InlineData(600, 5, "it is measured in steps of 600 s, and Capacity:StepSeconds is 300; measure it more often")]
    [InlineData(0, 5, "it was measured in steps of 0 s")]
    [InlineData(10, double.NaN, "its value is NaN")]
    public void Load_that_cannot_be_used_is_said_with_the_cause(double step, double value, string cause)
    {
        loads.Take(new LoadMeasured("viewers", clock.Now, step, value, "sessions"));
        clock.Now += TimeSpan.FromSeconds(151);
        Assert.Equal($"no load of viewers since 12:00:00 UTC: {cause}", readiness.Load());
        Assert.Null(loads.Find("viewers"));
    }

    [Fact]
    public void A_record_far_ahead_of_the_clock_does_not_replace_the_history()
    {
        for (var at = 0; at < 120; at += 10)
            Take(at);
        loads.Take(new LoadMeasured("viewers", clock.Now.AddHours(2), 10, 5, "sessions"));
        Assert.Equal(2, loads.Find("viewers")!.Fast.Maxima.Count);
        Assert.Contains("lies ahead of this machine's clock", loads.Refusal("viewers"));
        Take(120);
        Assert.Null(loads.Refusal("viewers"));
    }

    [Fact]
    public void A_forecast_that_failed_is_said_until_one_is_made()
    {
        forecasts.Failed("viewers", new InvalidOperationException("Matrix must be positive definite."));
        Assert.Equal("'viewers' could not be forecast: Matrix must be positive definite.", readiness.Forecast());
        for (var at = 0; at < 60; at += 10)
            Take(at);
        forecasts.Forecast(loads.Find("viewers")!, CancellationToken.None);
        Assert.Null(readiness.Forecast());
    }

    /// <summary>The log is read back at each start: as far as the role keeps it, the topic must keep it too.</summary>
    [Fact]
    public void The_topic_keeps_load_as_long_as_the_role_does() =>
        Assert.True(Topics.TrafficLoad.Retention >= TimeSpan.FromDays(CapacityOptions.HistoryDaysMax));

    private void SetClock(int seconds) => clock.Now = Clock.Start.AddSeconds(seconds);

    /// <summary>A measurement arrives as soon as its ten seconds are over.</summary>
    private void Take(int seconds, double value = 5, string resource = "viewers")
    {
        SetClock(seconds + 10);
        loads.Take(new LoadMeasured(resource, Clock.Start.AddSeconds(seconds), 10, value, "sessions", value));
    }

    private sealed class Clock : TimeProvider
    {
        public static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch.AddDays(20_000).AddHours(12);

        public DateTimeOffset Now { get; set; } = Start;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
