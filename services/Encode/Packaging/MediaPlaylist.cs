using System.Text;

namespace EventStream.Encode.Packaging;

/// <summary>
/// The HLS media playlist of one rendition (RFC 8216, version 7 for fragmented MP4): whole, with relative addresses,
/// and with the exact length of every segment.
/// </summary>
public static class MediaPlaylist
{
    public const string FileName = "media.m3u8";
    public const string InitName = "init.mp4";

    /// <summary>The name of a segment; they count from 1.</summary>
    public static string SegmentName(int number) => $"{number}.m4s";

    /// <summary>
    /// The target duration of a track that is played while it grows, in whole seconds, from the length of its first
    /// segment: it may not change, and a tail may join the last segment. Playback writes the same.
    /// </summary>
    public static int GrowingTargetSeconds(double firstSeconds) =>
        Math.Max(1, (int)Math.Round(firstSeconds + Packager.TailMin, MidpointRounding.AwayFromZero));

    /// <summary>
    /// The text of the playlist. The target duration in whole seconds is that of the list where it is null.
    /// </summary>
    public static string Write(SegmentList list, int? targetSeconds = null)
    {
        var text = new StringBuilder("#EXTM3U\n#EXT-X-VERSION:7\n")
            .Append($"#EXT-X-TARGETDURATION:{targetSeconds ?? list.TargetSeconds}\n")
            .Append("#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n")
            .Append($"#EXT-X-MAP:URI=\"{InitName}\"\n");
        for (var i = 0; i < list.Segments.Count; i++)
        {
            text.Append($"#EXTINF:{list.Segments[i].DurationSeconds:0.000000},\n")
                .Append(SegmentName(i + 1))
                .Append('\n');
        }

        return text.Append("#EXT-X-ENDLIST\n").ToString();
    }
}
