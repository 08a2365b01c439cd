using EventStream.Hosting;

namespace EventStream.Collect;

/// <summary>Finds the edge of a URL or host, by the same map of edges that Traffic has.</summary>
public sealed class EdgeNames
{
    private readonly Dictionary<string, string> byAuthority = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, string> regions = new(StringComparer.Ordinal);

    public EdgeNames(IReadOnlyList<PlatformEdge> edges)
    {
        foreach (var edge in edges)
        {
            byAuthority[new Uri(edge.Url).Authority] = edge.Name;
            byAuthority[new Uri(edge.PublicUrl).Authority] = edge.Name;
            if (edge.Region.Length > 0)
                regions[edge.Name] = edge.Region;
        }
    }

    /// <summary>The region of an edge by its name, or null where the map does not say.</summary>
    public string? RegionOf(string edge) => regions.GetValueOrDefault(edge);

    /// <summary>The name of the edge that serves an absolute URL or a host, or null where it is none of ours.</summary>
    public string? Of(string? urlOrHost)
    {
        if (string.IsNullOrEmpty(urlOrHost))
            return null;
        var authority =
            Uri.TryCreate(urlOrHost, UriKind.Absolute, out var url) && url.Authority.Length > 0
                ? url.Authority
                : urlOrHost;
        return byAuthority.GetValueOrDefault(authority);
    }
}
