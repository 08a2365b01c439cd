using System.Text;
using EventStream.Contracts;

namespace EventStream.Media.Text;

/// <summary>Stores the cues of one text where players read them: whole for DASH, in segments for HLS.</summary>
public static class WebVttTrack
{
    /// <summary>The text of a long film is a tenth of this, in bytes.</summary>
    public const int BytesMax = 4 * 1024 * 1024;

    private const string Codecs = "wvtt";
    private const string PlaylistName = "media.m3u8";

    /// <summary>
    /// Stores the files below <paramref name="prefix"/>, the playlist last, and returns the rendition; one without
    /// cues has no files and no segments. Throws <see cref="IOException"/>.
    /// </summary>
    public static async Task<Rendition> StoreAsync(
        IMediaStore media,
        string name,
        string prefix,
        TrackLabel? label,
        IReadOnlyList<WebVttCue> cues,
        double durationSeconds,
        CancellationToken cancellation
    )
    {
        if (cues.Count == 0)
            return new Rendition(name, Rendition.Text, prefix, Codecs, 0, 0, 0, 0, 0, [], 0, label);
        var segments = WebVtt.Cut(cues, durationSeconds);
        var bytes = await WriteAsync(WebVtt.WholeName, WebVtt.Whole(cues));
        var (peak, sum) = (0.0, 0L);
        for (var i = 0; i < segments.Count; i++)
        {
            var written = await WriteAsync(WebVtt.SegmentName(i + 1), segments[i].Text);
            peak = Math.Max(peak, written * 8 / segments[i].Seconds);
            sum += written;
        }

        List<double> seconds = [.. segments.Select(segment => segment.Seconds)];
        bytes += sum + await WriteAsync(PlaylistName, WebVtt.Playlist(seconds));
        var average = (int)Math.Ceiling(sum * 8 / durationSeconds);
        return new Rendition(
            name,
            Rendition.Text,
            prefix,
            Codecs,
            0,
            0,
            0,
            Math.Max(average, (int)Math.Ceiling(peak)),
            average,
            seconds,
            bytes,
            label
        );

        async Task<long> WriteAsync(string file, string text)
        {
            var encoded = Encoding.UTF8.GetBytes(text);
            await media.WriteAsync($"{prefix}/{file}", new MemoryStream(encoded), cancellation);
            return encoded.LongLength;
        }
    }
}
