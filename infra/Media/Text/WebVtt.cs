using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace EventStream.Media.Text;

/// <summary>
/// A cue of subtitles: when it is shown, in seconds, its lines, and where it stands in WebVTT's words, each behind a
/// space.
/// </summary>
public sealed record WebVttCue(double StartSeconds, double EndSeconds, string Text, string Settings = "");

/// <summary>
/// WebVTT and SubRip: the cues of a file, and from them the whole file for DASH and the segments of HLS. Regions,
/// styles and identifiers are left out. A cue that is shown across a boundary is in both segments (RFC 8216, 3.5).
/// </summary>
public static partial class WebVtt
{
    /// <summary>The whole file.</summary>
    public const string WholeName = "all.vtt";

    /// <summary>Segments last about so long; text is small, and more of it in a segment means fewer requests.</summary>
    public const double SegmentSeconds = 60;

    private const string Head = "WEBVTT\n";

    /// <summary>Times of a segment are those of the presentation, which begins at zero.</summary>
    private const string SegmentHead = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n";

    /// <summary>The name of a segment; they count from 1.</summary>
    public static string SegmentName(int number) => $"{number}.vtt";

    /// <summary>
    /// The cues of a file in the order of their starts, up to the end of the picture. What is no cue is passed over.
    /// </summary>
    public static IReadOnlyList<WebVttCue> Read(string text, double endSeconds)
    {
        var cues = new List<WebVttCue>();
        var block = new List<string>();
        foreach (var line in text.TrimStart('\uFEFF').ReplaceLineEndings("\n").Split('\n').Append(""))
        {
            if (!string.IsNullOrWhiteSpace(line))
                block.Add(line.TrimEnd());
            else if (Cue(block, endSeconds) is { } cue)
                cues.Add(cue);
            if (string.IsNullOrWhiteSpace(line))
                block.Clear();
        }

        return [.. cues.OrderBy(cue => cue.StartSeconds)];
    }

    /// <summary>The cue of lines that stand together, of which the first may be an identifier or a number.</summary>
    private static WebVttCue? Cue(List<string> lines, double endSeconds)
    {
        var at = lines.FindIndex(0, Math.Min(2, lines.Count), line => Times().IsMatch(line));
        if (at < 0 || at == lines.Count - 1 || lines[0].StartsWith("NOTE", StringComparison.Ordinal))
            return null;
        var times = Times().Match(lines[at]);
        var (start, end) = (Seconds(times.Groups["start"].Value), Seconds(times.Groups["end"].Value));
        if (start >= endSeconds || end <= start)
            return null;
        var settings = times.Groups["settings"].Value.Split(' ', '\t').Where(word => Setting().IsMatch(word));
        return new WebVttCue(
            start,
            Math.Min(end, endSeconds),
            Plain(string.Join('\n', lines.Skip(at + 1))),
            string.Concat(settings.Select(word => $" {word}"))
        );
    }

    /// <summary>Text without the placement of SubRip, control characters, and the arrow that begins a cue.</summary>
    private static string Plain(string text) =>
        string.Concat(Placement().Replace(text, "").Where(c => c == '\n' || !char.IsControl(c)))
            .Replace("-->", "--&gt;", StringComparison.Ordinal);

    /// <summary>The whole file.</summary>
    public static string Whole(IEnumerable<WebVttCue> cues) => Write(Head, cues);

    /// <summary>
    /// The segments of a presentation of so many seconds. The last one takes what is left, so that none is tiny.
    /// </summary>
    public static IReadOnlyList<(double Seconds, string Text)> Cut(IReadOnlyList<WebVttCue> cues, double totalSeconds)
    {
        var count = Math.Max(1, (int)Math.Round(totalSeconds / SegmentSeconds));
        return
        [
            .. Enumerable
                .Range(0, count)
                .Select(place =>
                {
                    var from = place * SegmentSeconds;
                    var to = place == count - 1 ? totalSeconds : from + SegmentSeconds;
                    var shown = cues.Where(cue => cue.StartSeconds < to && cue.EndSeconds > from);
                    return (to - from, Write(SegmentHead, shown));
                }),
        ];
    }

    /// <summary>The HLS media playlist of segments that last so many seconds each.</summary>
    public static string Playlist(IReadOnlyList<double> seconds)
    {
        var text = new StringBuilder("#EXTM3U\n#EXT-X-VERSION:7\n")
            .Append($"#EXT-X-TARGETDURATION:{Math.Max(1, (int)Math.Round(seconds.Max()))}\n")
            .Append("#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:VOD\n");
        for (var i = 0; i < seconds.Count; i++)
            text.Append($"#EXTINF:{seconds[i]:0.000000},\n{SegmentName(i + 1)}\n");
        return text.Append("#EXT-X-ENDLIST\n").ToString();
    }

    private static string Write(string head, IEnumerable<WebVttCue> cues)
    {
        var text = new StringBuilder(head);
        foreach (var cue in cues)
            text.Append($"\n{Clock(cue.StartSeconds)} --> {Clock(cue.EndSeconds)}{cue.Settings}\n{cue.Text}\n");
        return text.ToString();
    }

    private static string Clock(double seconds)
    {
        var time = TimeSpan.FromMilliseconds(Math.Round(seconds * 1000));
        return $"{(int)time.TotalHours:00}:{time:mm\\:ss\\.fff}";
    }

    /// <summary>Seconds of <c>[hours:]minutes:seconds.thousandths</c>.</summary>
    private static double Seconds(string clock) =>
        clock
            .Replace(',', '.')
            .Split(':')
            .Aggregate(0.0, (sum, part) => (sum * 60) + double.Parse(part, CultureInfo.InvariantCulture));

    [GeneratedRegex(
        @"^\s*(?<start>(\d{1,6}:)?\d{2}:\d{2}[.,]\d{1,3})\s+-->\s+(?<end>(\d{1,6}:)?\d{2}:\d{2}[.,]\d{1,3})"
            + @"(?<settings>\s.*)?$",
        RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex Times();

    [GeneratedRegex(@"^(vertical|line|position|size|align):[\w%.,-]+$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Setting();

    [GeneratedRegex(@"\{\\[^}\n]*\}", RegexOptions.None, 1000)]
    private static partial Regex Placement();
}
