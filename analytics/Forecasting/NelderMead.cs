namespace EventStream.Forecasting;

/// <summary>
/// Derivative-free minimisation by the simplex of Nelder and Mead (1965), for a handful of parameters.
/// </summary>
internal static class NelderMead
{
    /// <summary>The best point found within <paramref name="evaluations"/> calls of <paramref name="cost"/>.</summary>
    public static double[] Minimise(
        Func<double[], double> cost,
        double[] start,
        double step,
        int evaluations,
        CancellationToken cancellationToken
    )
    {
        var n = start.Length;
        var points = new double[n + 1][];
        var costs = new double[n + 1];
        for (var i = 0; i <= n; i++)
        {
            points[i] = (double[])start.Clone();
            if (i > 0)
                points[i][i - 1] += step;
            costs[i] = cost(points[i]);
        }

        for (var used = n + 1; used < evaluations; )
        {
            cancellationToken.ThrowIfCancellationRequested();
            Array.Sort(costs, points);
            if (costs[n] - costs[0] <= 1e-5 * Math.Abs(costs[0]))
                break;
            used += Move(cost, points, costs);
        }

        Array.Sort(costs, points);
        return points[0];
    }

    private static int Move(Func<double[], double> cost, double[][] points, double[] costs)
    {
        var n = points.Length - 1;
        var reflected = Along(points, -1);
        var reflectedCost = cost(reflected);
        if (reflectedCost < costs[0])
        {
            var expanded = Along(points, -2);
            var expandedCost = cost(expanded);
            (points[n], costs[n]) =
                expandedCost < reflectedCost ? (expanded, expandedCost) : (reflected, reflectedCost);
            return 2;
        }

        if (reflectedCost < costs[n - 1])
        {
            (points[n], costs[n]) = (reflected, reflectedCost);
            return 1;
        }

        var contracted = Along(points, reflectedCost < costs[n] ? -0.5 : 0.5);
        var contractedCost = cost(contracted);
        if (contractedCost < Math.Min(reflectedCost, costs[n]))
        {
            (points[n], costs[n]) = (contracted, contractedCost);
            return 2;
        }

        for (var i = 1; i <= n; i++)
        {
            for (var j = 0; j < n; j++)
                points[i][j] = (points[i][j] + points[0][j]) / 2;
            costs[i] = cost(points[i]);
        }

        return 2 + n;
    }

    /// <summary>
    /// The point at <paramref name="factor"/> times the way from the centroid of the others to the worst.
    /// </summary>
    private static double[] Along(double[][] points, double factor)
    {
        var n = points.Length - 1;
        var point = new double[n];
        for (var j = 0; j < n; j++)
        {
            var centre = 0.0;
            for (var i = 0; i < n; i++)
                centre += points[i][j] / n;
            point[j] = centre + (factor * (points[n][j] - centre));
        }

        return point;
    }
}
