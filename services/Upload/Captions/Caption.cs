using EventStream.Contracts;

namespace EventStream.Upload.Captions;

/// <summary>The subtitles and captions that players are offered.</summary>
public sealed record CaptionList(IReadOnlyList<Caption> Captions);

/// <summary>
/// One text: language as a BCP 47 tag and role, null where its file states none, the name in menus, the track in
/// manifests, the size in bytes, and whether its publisher sent it or the file of the video held it.
/// </summary>
public sealed record Caption(string? Language, string? Role, string Name, string Track, long SizeBytes, bool FromFile)
{
    /// <summary>Most characters of a name.</summary>
    public const int NameMax = 60;

    /// <summary>Most captions that a publisher sends for a video.</summary>
    public const int CountMax = 64;

    /// <summary>Tracks that were sent are named for it.</summary>
    public const string TrackPrefix = "caption-";

    /// <summary>What a rendition says.</summary>
    public static Caption Of(Rendition text) =>
        new(
            text.Label?.Language,
            text.Label?.Role,
            text.Label?.Name ?? text.Name,
            text.Name,
            text.SizeBytes,
            !text.Name.StartsWith(TrackPrefix, StringComparison.Ordinal)
        );
}
