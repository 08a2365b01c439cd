using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace EventStream.Hosting;

/// <summary>
/// An edge as <c>Traffic:Edges:N:{Name,Region,Url,Addresses}</c> has it: its name in playlists, the region it serves,
/// where roles reach it, where players do (<c>Urls:Public:NAME</c>, else the same), and the IP addresses that DNS
/// answers with. URLs have no trailing slash.
/// </summary>
public sealed partial record PlatformEdge(
    string Name,
    string Region,
    string Url,
    string PublicUrl,
    IReadOnlyList<IPAddress> Addresses
)
{
    /// <summary>Most edges of one map: every round of probes asks all of them.</summary>
    private const int CountMax = 256;

    /// <summary>
    /// Reads the map of edges; adds a sentence to <paramref name="errors"/> for each setting that is wrong, and for an
    /// empty map where edges are <paramref name="needed"/>.
    /// </summary>
    public static IReadOnlyList<PlatformEdge> Read(
        IConfiguration configuration,
        ICollection<string> errors,
        bool needed = true
    )
    {
        var edges = configuration
            .GetSection("Traffic:Edges")
            .GetChildren()
            .Select(section => ReadOne(configuration, section, errors))
            .ToList();
        if (needed && edges.Count == 0)
            errors.Add("Traffic:Edges is empty; give at least Traffic:Edges:0:Name and Traffic:Edges:0:Url.");
        if (edges.Count > CountMax)
            errors.Add($"Traffic:Edges has more than {CountMax} edges.");
        if (edges.DistinctBy(edge => edge.Name).Count() != edges.Count)
            errors.Add("Traffic:Edges: two edges have one Name.");
        return edges;
    }

    /// <summary>Whether a text may be the name or region of an edge, as they get into URLs and manifests.</summary>
    public static bool IsName(string text) => NamePattern().IsMatch(text);

    /// <summary>The URL where a text is one of an edge, and may get into a manifest, else null.</summary>
    public static Uri? AsUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri)
        && uri.Scheme is "http" or "https"
        && uri is { Query: "", Fragment: "" }
        && !text.AsSpan().ContainsAny("\"\n\r ")
            ? uri
            : null;

    private static PlatformEdge ReadOne(
        IConfiguration configuration,
        IConfigurationSection section,
        ICollection<string> errors
    )
    {
        var (name, region) = (section["Name"] ?? "", section["Region"] ?? "");
        var url = (section["Url"] ?? "").TrimEnd('/');
        var asPlayersSeeIt = (configuration[$"Urls:Public:{name}"] ?? url).TrimEnd('/');
        if (!IsName(name))
            errors.Add($"{section.Path}:Name: '{name}' is not 1 to 32 lower-case letters, digits and hyphens.");
        if (region.Length > 0 && !IsName(region))
            errors.Add($"{section.Path}:Region: '{region}' is not up to 32 lower-case letters, digits and hyphens.");
        if (AsUrl(url) is null)
            errors.Add($"{section.Path}:Url: '{url}' is not like http://host:port.");
        else if (AsUrl(asPlayersSeeIt) is null)
            errors.Add($"Urls:Public:{name}: '{asPlayersSeeIt}' is not like https://host.");
        return new PlatformEdge(name, region, url, asPlayersSeeIt, ReadAddresses(section, asPlayersSeeIt, errors));
    }

    private static List<IPAddress> ReadAddresses(IConfigurationSection section, string url, ICollection<string> errors)
    {
        // Where none are given, a literal address in the URL is used as it is, and localhost as both loopbacks.
        var host = AsUrl(url)?.Host.Trim('[', ']') ?? "";
        var given =
            section["Addresses"]
            ?? (
                host == "localhost" ? "127.0.0.1,::1"
                : IPAddress.TryParse(host, out _) ? host
                : ""
            );
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
