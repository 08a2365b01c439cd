using System.Text;

namespace EventStream.Encode.Packaging;

/// <summary>
/// The HLS playlist of the key frames of a rendition (RFC 8216, section 4.3.3.6), for fast forward and for pictures
/// while one seeks: byte ranges of the segments that players have already.
/// </summary>
public static class KeyFramePlaylist
{
    public const string FileName = "iframes.m3u8";

    /// <summary>Whether a rendition has one: where each segment begins with a key frame that was found.</summary>
    public static bool Has(SegmentList list) => list.Segments.All(segment => segment.KeyFrameBytes > 0);

    /// <summary>The text of the playlist.</summary>
    public static string Write(SegmentList list)
    {
        var text = new StringBuilder("#EXTM3U\n#EXT-X-VERSION:7\n")
            .Append($"#EXT-X-TARGETDURATION:{list.TargetSeconds}\n")
            .Append("#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-I-FRAMES-ONLY\n")
            .Append($"#EXT-X-MAP:URI=\"{MediaPlaylist.InitName}\"\n");
        for (var i = 0; i < list.Segments.Count; i++)
        {
            text.Append($"#EXTINF:{list.Segments[i].DurationSeconds:0.000000},\n")
                .Append($"#EXT-X-BYTERANGE:{list.Segments[i].KeyFrameBytes}@0\n")
                .Append(MediaPlaylist.SegmentName(i + 1))
                .Append('\n');
        }

        return text.Append("#EXT-X-ENDLIST\n").ToString();
    }
}
