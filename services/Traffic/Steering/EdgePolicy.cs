using EventStream.Traffic.Edges;

namespace EventStream.Traffic.Steering;

/// <summary>
/// How good an edge is for viewers of a region. The higher score is offered first; equal ones as configured.
/// </summary>
/// <param name="Name">The name in <c>Traffic:Policy</c>.</param>
/// <param name="UsesRegion">Whether the region makes a difference; where not, one order serves all.</param>
/// <param name="Score">The score, 0 for an edge that is down; the region is empty where it is not known.</param>
public sealed record EdgePolicy(string Name, bool UsesRegion, Func<EdgeView, string, double> Score)
{
    // An edge of the region gives way to a perfect one elsewhere when its health falls below a half.
    private const double Nearness = 0.5;
    private const double LoadWeight = 0.5;

    /// <summary>
    /// The viewer's own region first, unless its edge is so unwell that a healthy one elsewhere is better.
    /// </summary>
    public static readonly EdgePolicy RegionAffinity = new(
        "region-affinity",
        UsesRegion: true,
        (edge, region) => edge.Health + (edge.IsUp && region.Length > 0 && edge.Region == region ? Nearness : 0)
    );

    /// <summary>The healthiest edge first.</summary>
    public static readonly EdgePolicy HealthFirst = new("health-first", UsesRegion: false, (edge, _) => edge.Health);

    /// <summary>Health first, and among healthy edges the one with the smaller share of the requests.</summary>
    public static readonly EdgePolicy LeastLoaded = new(
        "least-loaded",
        UsesRegion: false,
        (edge, _) => edge.IsUp ? Math.Max(0, edge.Health - (LoadWeight * edge.LoadShare)) : 0
    );

    private static readonly EdgePolicy[] All = [RegionAffinity, HealthFirst, LeastLoaded];

    /// <summary>All names, for messages.</summary>
    public static string Names => string.Join(", ", All.Select(policy => policy.Name));

    /// <summary>The policy of that name, or null.</summary>
    public static EdgePolicy? Find(string name) => Array.Find(All, policy => policy.Name == name);
}
