namespace EventStream.Contracts;

/// <summary>
/// The codecs of pictures by the names that the setting <c>Encode:Ladders</c> gives them. H.264 is the ladder that
/// every device plays; each other one is a further ladder, made by the task of its name after everything else.
/// </summary>
public static class PictureCodec
{
    public const string H264 = "h264";
    public const string Hevc = "hevc";
    public const string Av1 = "av1";
    public const string Vp9 = "vp9";

    /// <summary>The RFC 6381 string of Opus. MP4 calls it <c>Opus</c>; browsers know it in lower case only.</summary>
    public const string Opus = "opus";

    /// <summary>The codecs of further ladders.</summary>
    public static readonly IReadOnlyList<string> Further = [Av1, Hevc, Vp9];

    /// <summary>Whether a task makes a further ladder.</summary>
    public static bool IsTask(string name) => Further.Contains(name);

    /// <summary>The codec of a picture by its RFC 6381 string (<c>av01.0.04M.08</c>); null for another.</summary>
    public static string? Of(string rfc6381) =>
        rfc6381.Split('.')[0] switch
        {
            "avc1" or "avc3" => H264,
            "hvc1" or "hev1" => Hevc,
            "av01" => Av1,
            "vp09" => Vp9,
            _ => null,
        };

    /// <summary>The name of a rendition in a further ladder: that of the one it stands for, and the codec.</summary>
    public static string NameOf(string rendition, string codec) => $"{rendition}-{codec}";

    /// <summary>
    /// Whether a rendition is beside those that every device plays: of a further ladder or in a high range. A video
    /// is published without them.
    /// </summary>
    public static bool IsFurther(Rendition made) =>
        made.Range is not null
        || (made.Kind == Rendition.Video && Of(made.Codecs) is { } codec && codec != H264)
        || (made.Kind == Rendition.Audio && made.Codecs == Opus);
}
