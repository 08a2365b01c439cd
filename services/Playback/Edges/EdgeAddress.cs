using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace EventStream.Playback.Edges;

/// <summary>An edge as players reach it: name, region and URL without a trailing slash.</summary>
public sealed partial record EdgeAddress(string Name, string Region, string Url)
{
    /// <summary>
    /// Reads <c>Traffic:Edges:0:{Name,Region,Url}</c> and so on, adding a sentence for each error. Players reach an
    /// edge at <c>Urls:Public:NAME</c> where that is set.
    /// </summary>
    public static IReadOnlyList<EdgeAddress> Read(IConfiguration configuration, ICollection<string> errors)
    {
        var edges = configuration
            .GetSection("Traffic:Edges")
            .GetChildren()
            .Select(section => (Section: section, Name: section["Name"] ?? ""))
            .Select(edge => new EdgeAddress(
                edge.Name,
                edge.Section["Region"] ?? "",
                (configuration[$"Urls:Public:{edge.Name}"] ?? edge.Section["Url"] ?? "").TrimEnd('/')
            ))
            .ToList();
        if (edges.Count == 0)
            errors.Add("Traffic:Edges is empty; give at least Traffic:Edges:0:Name and Traffic:Edges:0:Url.");
        foreach (var edge in edges.Where(edge => !edge.IsUsable()))
        {
            errors.Add(
                $"Traffic:Edges: '{edge}' needs a Name of lower-case letters, digits and hyphens, "
                    + "a Region of the same or none, and a Url like http://host:port."
            );
        }

        if (edges.DistinctBy(edge => edge.Name).Count() != edges.Count)
            errors.Add("Traffic:Edges: two edges have one Name.");
        return edges;
    }

    /// <summary>Whether name, region and URL may be used in a manifest.</summary>
    public bool IsUsable() =>
        NamePattern().IsMatch(Name)
        && (Region.Length == 0 || NamePattern().IsMatch(Region))
        && System.Uri.TryCreate(Url, UriKind.Absolute, out var uri)
        && uri.Scheme is "http" or "https"
        && uri is { Query: "", Fragment: "" }
        && !Url.AsSpan().ContainsAny("\"\n\r ");

    public override string ToString() => $"{Name} ({Url})";

    [GeneratedRegex("^[a-z0-9][a-z0-9-]{0,31}$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NamePattern();
}
