using EventStream.Traffic.Edges;

namespace EventStream.Traffic.Steering;

/// <summary>
/// How good an edge is for viewers of a region. The higher score is offered first; equal ones as configured.
/// </summary>
public interface IEdgePolicy
{
    /// <summary>The name in <c>Traffic:Policy</c>.</summary>
    string Name { get; }

    /// <summary>Whether the region makes a difference; where not, one order serves all.</summary>
    bool UsesRegion { get; }

    /// <summary>The score, 0 for an edge that is down; region is empty where it is not known.</summary>
    double Score(EdgeView edge, string region);
}

/// <summary>The healthiest edge first.</summary>
public sealed class HealthFirstPolicy : IEdgePolicy
{
    public string Name => "health-first";

    public bool UsesRegion => false;

    public double Score(EdgeView edge, string region) => edge.Health;
}

/// <summary>
/// The viewer's own region first, unless its edge is so unwell that a healthy one elsewhere is better.
/// </summary>
public sealed class RegionAffinityPolicy : IEdgePolicy
{
    // An edge of the region gives way to a perfect one elsewhere when its health falls below a half.
    private const double Nearness = 0.5;

    public string Name => "region-affinity";

    public bool UsesRegion => true;

    public double Score(EdgeView edge, string region) =>
        edge.Health + (edge.IsUp && region.Length > 0 && edge.Region == region ? Nearness : 0);
}

/// <summary>Health first, and among healthy edges the one with the smaller share of the requests.</summary>
public sealed class LeastLoadedPolicy : IEdgePolicy
{
    private const double LoadWeight = 0.5;

    public string Name => "least-loaded";

    public bool UsesRegion => false;

    public double Score(EdgeView edge, string region) =>
        edge.IsUp ? Math.Max(0, edge.Health - (LoadWeight * edge.LoadShare)) : 0;
}

/// <summary>The policies that <c>Traffic:Policy</c> may name.</summary>
public static class EdgePolicies
{
    /// <summary>What is used where none is named.</summary>
    public static readonly IEdgePolicy Default = new RegionAffinityPolicy();

    private static readonly IEdgePolicy[] All = [Default, new HealthFirstPolicy(), new LeastLoadedPolicy()];

    /// <summary>All names, for messages.</summary>
    public static string Names => string.Join(", ", All.Select(policy => policy.Name));

    /// <summary>The policy of that name, or null.</summary>
    public static IEdgePolicy? Find(string name) => Array.Find(All, policy => policy.Name == name);
}
