using EventStream.Hosting;

namespace EventStream.Playback.Edges;

/// <summary>An edge as players reach it: name, region and URL without a trailing slash.</summary>
public sealed record EdgeAddress(string Name, string Region, string Url)
{
    /// <summary>Whether name, region and URL may be used in a manifest.</summary>
    public bool IsUsable() =>
        PlatformEdge.IsName(Name)
        && (Region.Length == 0 || PlatformEdge.IsName(Region))
        && PlatformEdge.AsUrl(Url) is not null;

    public override string ToString() => $"{Name} ({Url})";
}
