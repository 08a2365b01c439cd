using EventStream.Hosting;
using Microsoft.Extensions.Configuration;

namespace EventStream.Collect;

/// <summary>
/// Finds the edge of a URL or host, by the same map of edges that Traffic has (<c>Traffic:Edges</c>).
/// </summary>
public sealed class EdgeNames
{
    private readonly Dictionary<string, string> byAuthority = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, string> regions = new(StringComparer.Ordinal);

    /// <summary>
    /// Reads the map. Throws <see cref="RoleConfigurationException"/> for an edge without a name or absolute URL.
    /// </summary>
    public EdgeNames(IConfiguration configuration)
    {
        foreach (var edge in configuration.GetSection("Traffic:Edges").GetChildren())
        {
            var name = edge["Name"];
            if (string.IsNullOrEmpty(name) || !Uri.TryCreate(edge["Url"], UriKind.Absolute, out var url))
                throw new RoleConfigurationException("collect", $"{edge.Path} needs a Name and an absolute Url");
            byAuthority[url.Authority] = name;
            if (Uri.TryCreate(configuration[$"Urls:Public:{name}"], UriKind.Absolute, out var asPlayersSeeIt))
                byAuthority[asPlayersSeeIt.Authority] = name;
            if (edge["Region"] is { Length: > 0 } region)
                regions[name] = region;
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
