using EventStream.Traffic.Edges;
using EventStream.Traffic.Steering;

namespace EventStream.Unit.Tests.Traffic;

public sealed class SteadyOrderTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Hold = TimeSpan.FromSeconds(10);
    private static readonly EdgeOrder Settled = new(["a", "b", "c"], Now - Hold);

    private static EdgeView Edge(string name, double health = 1, DateTimeOffset? upSince = null) =>
        new(name, "", health > 0, upSince ?? DateTimeOffset.MinValue, health, 0, 0);

    private static EdgeOrder Next(EdgeOrder? previous, params EdgeView[] edges) =>
        SteadyOrder.Next(previous, edges, edge => edge.Health, Now, 0.1, Hold);

    [Fact]
    public void The_first_order_is_by_score_and_then_as_configured() =>
        Assert.Equal(["b", "a", "c"], Next(null, Edge("a", 0.5), Edge("b"), Edge("c", 0.5)).Names);

    [Fact]
    public void An_edge_that_goes_down_is_last_at_once()
    {
        var fresh = Settled with { Since = Now };

        Assert.Equal(["b", "c", "a"], Next(fresh, Edge("a", 0), Edge("b"), Edge("c")).Names);
    }

    [Fact]
    public void An_edge_that_comes_back_waits_for_the_hold_time()
    {
        var order = new EdgeOrder(["b", "a"], Now - Hold);

        Assert.Same(order, Next(order, Edge("a", 1, Now - Hold / 2), Edge("b", 0.3)));
        Assert.Equal(["a", "b"], Next(order, Edge("a", 1, Now - Hold), Edge("b", 0.3)).Names);
    }

    [Fact]
    public void A_small_difference_changes_nothing() =>
        Assert.Same(Settled, Next(Settled, Edge("a", 0.91), Edge("b"), Edge("c")));

    [Fact]
    public void A_great_difference_changes_the_order_once_it_has_held()
    {
        var fresh = Settled with { Since = Now - (Hold / 2) };
        EdgeView[] edges = [Edge("a", 0.4), Edge("b", 0.7), Edge("c")];

        Assert.Same(fresh, Next(fresh, edges));
        Assert.Equal(["c", "b", "a"], Next(Settled, edges).Names);
    }

    [Fact]
    public void A_score_that_swings_does_not_make_the_order_flap()
    {
        var (order, changes) = (Settled, 0);
        for (var second = 0; second < 60; second++)
        {
            var swing = second % 2 == 0 ? 0.2 : 1;
            EdgeView[] edges = [Edge("a", swing), Edge("b", 0.6), Edge("c", 0.55)];
            var next = SteadyOrder.Next(order, edges, edge => edge.Health, Now.AddSeconds(second), 0.1, Hold);
            if (!ReferenceEquals(next, order))
                changes++;
            order = next;
        }

        Assert.InRange(changes, 1, 6);
    }

    [Fact]
    public void When_all_are_down_the_order_stays() =>
        Assert.Same(Settled, Next(Settled, Edge("a", 0), Edge("b", 0), Edge("c", 0)));
}
