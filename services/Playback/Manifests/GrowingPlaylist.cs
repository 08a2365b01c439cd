using System.Globalization;
using System.Text;
using EventStream.Playback.Catalogue;

namespace EventStream.Playback.Manifests;

/// <summary>
/// The HLS media playlists of a video whose first rung grows: an EVENT playlist of the segments that are there, and the
/// sound as far as the picture goes, though it is whole, so that both end together. Segments are only ever added; when
/// the rung is whole the playlist of the encoder follows, with the same target duration.
/// </summary>
public static class GrowingPlaylist
{
    /// <summary>For so many seconds a playlist may be served again: half of a segment.</summary>
    public const int FreshSeconds = 1;

    private const string File = "media.m3u8";

    /// <summary>Sound that begins less than so many seconds before the picture ends is of the next segment.</summary>
    private const double Overlap = 0.1;

    /// <summary>A tail as long as this joins the last segment, in seconds; the encoder counts with the same.</summary>
    private const double TailMax = 0.5;

    /// <summary>
    /// The playlist at <paramref name="path"/> below the video's folder; null where the path is that of a stored file.
    /// </summary>
    public static string? Write(CatalogueVideo video, string path)
    {
        if (video.Growing is not { Segments: { Runs.Count: > 0 } pictures } growing)
            return null;
        // It was given up on the way: players come to an end.
        var ended = video.State == VideoState.Failed;
        if (path == $"{growing.Media.Name}/{File}")
            return Write(Seconds(pictures), Target(Seconds(pictures).First() + TailMax), ended);
        if (video.Sounds.FirstOrDefault(track => path == $"{track.Media.Name}/{File}") is not { Segments: var sound })
            return null;
        return Write(Until(sound, pictures.TotalSeconds - Overlap), Target(sound.LongestSeconds), ended);
    }

    private static string Write(IEnumerable<double> segments, int target, bool ended)
    {
        var text = new StringBuilder("#EXTM3U\n#EXT-X-VERSION:7\n")
            .Append(CultureInfo.InvariantCulture, $"#EXT-X-TARGETDURATION:{target}\n")
            .Append("#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-INDEPENDENT-SEGMENTS\n")
            // Without it players begin near the end, as in a live stream.
            .Append("#EXT-X-START:TIME-OFFSET=0\n#EXT-X-MAP:URI=\"init.mp4\"\n");
        var number = 0;
        foreach (var seconds in segments)
            text.Append(CultureInfo.InvariantCulture, $"#EXTINF:{seconds:0.000000},\n{++number}.m4s\n");
        return text.Append(ended ? "#EXT-X-ENDLIST\n" : "").ToString();
    }

    private static IEnumerable<double> Until(SegmentRuns sound, double end)
    {
        var start = 0.0;
        foreach (var seconds in Seconds(sound))
        {
            if (start >= end)
                yield break;
            yield return seconds;
            start += seconds;
        }
    }

    private static IEnumerable<double> Seconds(SegmentRuns segments) =>
        segments.Runs.SelectMany(run => Enumerable.Repeat((double)run.Duration / segments.Timescale, run.Count));

    private static int Target(double seconds) => Math.Max(1, (int)Math.Round(seconds, MidpointRounding.AwayFromZero));
}
