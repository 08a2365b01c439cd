using System.Collections.Concurrent;
using System.Globalization;
using EventStream.Contracts;
using EventStream.Traffic.Edges;

namespace EventStream.Traffic.Steering;

/// <summary>
/// The order of edges now in force for each region, the same for steering and DNS. A region that
/// no edge serves gets the order of the unknown region.
/// </summary>
internal sealed class SteeringBoard(TrafficOptions options, EdgeMap map, SteeringJournal journal, TimeProvider clock)
{
    private readonly string[] regions = options.Policy.UsesRegion
        ? [.. options.Edges.Select(edge => edge.Region).Append("").Distinct()]
        : [""];

    private readonly ConcurrentDictionary<string, EdgeOrder> orders = new(StringComparer.Ordinal);
    private readonly Lock deciding = new();

    /// <summary>Names of all edges, the first to be used first.</summary>
    public IReadOnlyList<string> OrderFor(string region)
    {
        if (orders.TryGetValue(region, out var order) || orders.TryGetValue("", out order))
            return order.Names;
        return [.. options.Edges.Select(edge => edge.Name)];
    }

    /// <summary>Looks at the map, and puts each order that changes into force and into the journal.</summary>
    public void Decide()
    {
        lock (deciding)
        {
            var views = map.Views();
            foreach (var region in regions)
                Decide(region, views);
        }
    }

    private void Decide(string region, IReadOnlyList<EdgeView> views)
    {
        var now = clock.GetUtcNow();
        var previous = orders.GetValueOrDefault(region);
        double Score(EdgeView edge) => options.Policy.Score(edge, region);
        var next = SteadyOrder.Next(previous, views, Score, now, options.ScoreMargin, options.Hold);
        if (ReferenceEquals(next, previous))
            return;
        orders[region] = next;
        var policy = region.Length > 0 ? $"{options.Policy.Name}:{region}" : options.Policy.Name;
        journal.Add(
            new SteeringDecided(
                policy,
                next.Names,
                views.ToDictionary(view => view.Name, view => Math.Round(view.Health, 3)),
                Reason(previous, next, views, Score),
                now
            )
        );
    }

    private static string Reason(
        EdgeOrder? previous,
        EdgeOrder next,
        IReadOnlyList<EdgeView> views,
        Func<EdgeView, double> score
    )
    {
        if (previous is null)
            return "This is the order at the start.";
        var down = views
            .Where(view => !view.IsUp && Place(next, view) > Place(previous, view))
            .Select(view => view.Name)
            .ToList();
        if (down.Count > 0)
            return $"Probes of {string.Join(", ", down)} fail.";
        var risen = views.Where(view => Place(next, view) < Place(previous, view)).MaxBy(score)!;
        var passed = views.Where(view => Place(next, view) > Place(previous, view)).MaxBy(score)!;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{risen.Name} scores {score(risen):0.00}, {passed.Name} {score(passed):0.00}."
        );
    }

    private static int Place(EdgeOrder order, EdgeView view) => order.Names.ToList().IndexOf(view.Name);
}
