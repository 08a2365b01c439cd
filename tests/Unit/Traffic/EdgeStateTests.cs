using EventStream.Contracts;
using EventStream.Traffic.Edges;
using EventStream.Traffic.Steering;

namespace EventStream.Unit.Tests.Traffic;

public sealed class EdgeStateTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan HalfLife = TimeSpan.FromSeconds(30);
    private static readonly ProbeResult Good = new(1, null);
    private static readonly ProbeResult Bad = new(1, "refused");
    private static readonly EdgeState New = new(
        new EventStream.Hosting.PlatformEdge("edge-a", "eu", "http://a", "http://a", [])
    );

    private static EdgeState Probe(EdgeState state, params ProbeResult[] results) =>
        results.Aggregate(state, (s, result) => s.Probed(result, Now, rise: 2, fall: 3));

    private static QoeWindowClosed Window(
        double stallMs = 0,
        double playedMs = 100_000,
        long errors = 0,
        int age = 0,
        long requests = 100
    ) =>
        new(
            Now.AddSeconds(-10 - age),
            Now.AddSeconds(-age),
            new SessionSubject("v", "edge-a", "eu", "tv", "p"),
            10,
            1,
            null,
            null,
            1,
            stallMs,
            playedMs,
            1000,
            0,
            0,
            0,
            requests,
            1,
            1,
            errors
        );

    [Fact]
    public void The_first_probe_decides_alone() => Assert.False(Probe(New, Bad).IsUp);

    [Fact]
    public void An_edge_falls_after_its_count_of_failures_and_a_success_resets_the_count()
    {
        Assert.True(Probe(New, Good, Bad, Bad, Good, Bad, Bad).IsUp);
        Assert.False(Probe(New, Good, Bad, Bad, Bad).IsUp);
    }

    [Fact]
    public void An_edge_rises_after_its_count_of_successes()
    {
        Assert.False(Probe(New, Bad, Good).IsUp);
        Assert.Equal(Now, Probe(New, Bad, Good, Good).UpSince);
    }

    [Fact]
    public void Stalls_and_errors_lower_the_health()
    {
        var healthy = New.Viewed(Window(), HalfLife).Health(Now, HalfLife);
        var stalling = New.Viewed(Window(stallMs: 20_000), HalfLife).Health(Now, HalfLife);
        var failing = New.Viewed(Window(errors: 50), HalfLife).Health(Now, HalfLife);

        Assert.Equal(1, healthy);
        Assert.InRange(stalling, 0.5, 0.8);
        Assert.InRange(failing, 0.1, 0.3);
    }

    [Fact]
    public void One_viewers_hiccup_does_not_condemn_an_edge() =>
        Assert.True(New.Viewed(Window(stallMs: 1000, playedMs: 5000), HalfLife).Health(Now, HalfLife) > 0.9);

    [Fact]
    public void Bad_quality_is_forgotten_with_time_and_an_old_window_counts_little()
    {
        var state = New.Viewed(Window(stallMs: 50_000), HalfLife);

        Assert.True(state.Health(Now.AddMinutes(5), HalfLife) > 0.98);
        Assert.True(New.Viewed(Window(stallMs: 50_000, age: 300), HalfLife).Health(Now, HalfLife) > 0.98);
    }

    [Fact]
    public void The_worst_edge_that_answers_is_better_than_one_that_does_not()
    {
        var worst = New.Viewed(Window(stallMs: 1e9, playedMs: 0, errors: 100_000, requests: 100_000), HalfLife);

        Assert.True(worst.Health(Now, HalfLife) > 0);
        Assert.Equal(0, Probe(worst, Bad).Health(Now, HalfLife));
    }

    [Fact]
    public void Windows_of_one_period_add_up_to_the_load()
    {
        var state = New.Viewed(Window(), HalfLife).Viewed(Window(), HalfLife).Viewed(Window(age: 10), HalfLife);

        Assert.Equal(20, state.Load(Now));
        Assert.Equal(0, state.Load(Now.AddMinutes(2)));
    }

    [Theory]
    [InlineData("health-first", "edge-b")]
    [InlineData("region-affinity", "edge-a")]
    [InlineData("least-loaded", "edge-b")]
    public void Policies_choose_by_their_name(string policy, string first)
    {
        EdgeView[] edges = [new("edge-a", "eu", true, Now, 0.8, 90, 0.9), new("edge-b", "us", true, Now, 1, 10, 0.1)];

        Assert.Equal(first, edges.MaxBy(edge => EdgePolicy.Find(policy)!.Score(edge, "eu"))!.Name);
    }

    [Fact]
    public void A_sick_edge_of_the_region_gives_way_to_a_healthy_one_elsewhere()
    {
        var policy = EdgePolicy.RegionAffinity;

        Assert.True(
            policy.Score(new("a", "eu", true, Now, 0.4, 0, 0), "eu")
                < policy.Score(new("b", "us", true, Now, 1, 0, 0), "eu")
        );
    }
}
