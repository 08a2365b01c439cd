using EventStream.Contracts;
using EventStream.Playback.Edges;

namespace EventStream.Playback.Manifests;

/// <summary>
/// For whom a manifest is written: the edges in the viewer's order, the viewer's signed prefix, and where the
/// player asks for steering (absolute URLs).
/// </summary>
public sealed record ManifestContext(
    IReadOnlyList<EdgeAddress> Edges,
    string SignedPrefix,
    string HlsSteeringUrl,
    string DashSteeringUrl
)
{
    /// <summary>The absolute URL of a video's folder at an edge, ending in a slash.</summary>
    public string FolderUrl(EdgeAddress edge, VideoId video) => $"{edge.Url}{SignedPrefix}/media/{video}/";
}
