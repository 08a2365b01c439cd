using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace EventStream.Traffic.Edges;

/// <summary>
/// An edge as configured: its name in playlists, the region it serves, where this role asks whether it is well,
/// how players reach it, and the IP addresses that DNS answers with.
/// </summary>
public sealed record Edge(string Name, string Region, string Url, string PublicUrl, IReadOnlyList<IPAddress> Addresses);

/// <summary>Reads the map of edges from the configuration.</summary>
internal static partial class EdgeReader
{
    /// <summary>Most edges of one map: every probe round asks all of them.</summary>
    public const int EdgesMax = 256;

    public static IReadOnlyList<Edge> Read(IConfiguration configuration, ICollection<string> errors)
    {
        var edges = configuration
            .GetSection("Traffic:Edges")
            .GetChildren()
            .Select(section => ReadOne(configuration, section, errors))
            .ToList();
        if (edges.Count == 0)
            errors.Add("Traffic:Edges is empty; give at least Traffic:Edges:0:Name and Traffic:Edges:0:Url.");
        if (edges.Count > EdgesMax)
            errors.Add($"Traffic:Edges has more than {EdgesMax} edges.");
        if (edges.DistinctBy(edge => edge.Name).Count() != edges.Count)
            errors.Add("Traffic:Edges: two edges have one Name.");
        return edges;
    }

    private static Edge ReadOne(IConfiguration configuration, IConfigurationSection section, ICollection<string> errors)
    {
        var (name, region) = (section["Name"] ?? "", section["Region"] ?? "");
        var url = (section["Url"] ?? "").TrimEnd('/');
        if (!NamePattern().IsMatch(name))
            errors.Add($"{section.Path}:Name: '{name}' is not 1 to 32 lower-case letters, digits and hyphens.");
        if (region.Length > 0 && !NamePattern().IsMatch(region))
            errors.Add($"{section.Path}:Region: '{region}' is not up to 32 lower-case letters, digits and hyphens.");
        if (Absolute(url) is null)
        {
            errors.Add($"{section.Path}:Url: '{url}' is not like http://host:port.");
            return new Edge(name, region, url, url, []);
        }

        var asPlayersSeeIt = (configuration[$"Urls:Public:{name}"] ?? url).TrimEnd('/');
        if (Absolute(asPlayersSeeIt) is not { } uri)
        {
            errors.Add($"Urls:Public:{name}: '{asPlayersSeeIt}' is not like https://host.");
            return new Edge(name, region, url, asPlayersSeeIt, []);
        }

        return new Edge(name, region, url, asPlayersSeeIt, Addresses(section, uri, errors));
    }

    private static Uri? Absolute(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" ? uri : null;

    private static List<IPAddress> Addresses(IConfigurationSection section, Uri url, ICollection<string> errors)
    {
        // Where none are given, a literal address in the URL is used as it is, and localhost as both loopbacks.
        var given =
            section["Addresses"]
            ?? url.Host switch
            {
                "localhost" => "127.0.0.1,::1",
                var host when IPAddress.TryParse(host.Trim('[', ']'), out _) => host.Trim('[', ']'),
                _ => "",
            };
        var addresses = new List<IPAddress>();
        foreach (var text in given.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (IPAddress.TryParse(text, out var address))
                addresses.Add(address);
            else
                errors.Add($"{section.Path}:Addresses: '{text}' is not an IP address.");
        }

        return addresses;
    }

    [GeneratedRegex(@"^[a-z0-9][a-z0-9-]{0,31}\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NamePattern();
}
