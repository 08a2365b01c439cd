using EventStream.Traffic.Edges;

namespace EventStream.Traffic.Steering;

/// <summary>An order of edges and since when it holds.</summary>
public sealed record EdgeOrder(IReadOnlyList<string> Names, DateTimeOffset Since);

/// <summary>
/// Turns scores into an order that does not flap. An edge that goes down moves to the end at once. One that comes
/// back waits for the hold time before it counts again. Among edges that are up, one overtakes another only by the
/// margin, and only when the present order has held for the hold time.
/// </summary>
public static class SteadyOrder
{
    private enum Standing
    {
        Settled,
        Returning,
        Down,
    }

    /// <summary>The next order; the same names as <paramref name="previous"/> where nothing changes.</summary>
    public static EdgeOrder Next(
        EdgeOrder? previous,
        IReadOnlyList<EdgeView> edges,
        Func<EdgeView, double> score,
        DateTimeOffset now,
        double margin,
        TimeSpan hold
    )
    {
        if (previous is null)
            return new EdgeOrder([.. edges.OrderByDescending(score).Select(edge => edge.Name)], now);
        var known = edges.ToDictionary(edge => edge.Name);
        var order = previous
            .Names.Where(known.ContainsKey)
            .Concat(known.Keys.Except(previous.Names))
            .Select(name => known[name])
            .OrderBy(edge => StandingOf(edge, now, hold))
            .ToList();
        if (now - previous.Since >= hold)
            Overtake(order, score, margin, edge => StandingOf(edge, now, hold));
        var names = order.Select(edge => edge.Name).ToList();
        return names.SequenceEqual(previous.Names) ? previous : new EdgeOrder(names, now);
    }

    private static Standing StandingOf(EdgeView edge, DateTimeOffset now, TimeSpan hold)
    {
        if (!edge.IsUp)
            return Standing.Down;
        // The subtraction is safe for an edge that has been up since the start of time.
        return now - edge.UpSince >= hold ? Standing.Settled : Standing.Returning;
    }

    private static void Overtake(
        List<EdgeView> order,
        Func<EdgeView, double> score,
        double margin,
        Func<EdgeView, Standing> standing
    )
    {
        // Bubble sort: an edge passes only neighbours that it beats by the margin, and the maps are short.
        for (var end = order.Count - 1; end > 0; end--)
        {
            for (var i = 0; i < end; i++)
            {
                var (first, second) = (order[i], order[i + 1]);
                if (standing(first) != standing(second) || score(second) - score(first) <= margin)
                    continue;
                (order[i], order[i + 1]) = (second, first);
            }
        }
    }
}
