using System.Globalization;
using System.Text.RegularExpressions;

namespace EventStream.Cli.Load;

/// <summary>One variant of a multivariant playlist. Bandwidth in bits per second.</summary>
internal sealed record HlsVariant(int Bandwidth, Uri Url);

/// <summary>One segment of a media playlist. Duration in seconds.</summary>
internal sealed record HlsSegment(double Seconds, Uri Url);

/// <summary>Reads as much of HLS (RFC 8216bis) as a simulated viewer needs.</summary>
internal static partial class HlsPlaylists
{
    /// <summary>
    /// Variants by bandwidth, lowest first; only those on the playlist's own host, as there is one on every pathway.
    /// </summary>
    public static List<HlsVariant> Variants(string text, Uri at)
    {
        var lines = text.Split('\n', StringSplitOptions.TrimEntries);
        return
        [
            .. lines
                .Zip(lines.Skip(1))
                .Where(pair => pair.First.StartsWith("#EXT-X-STREAM-INF:", StringComparison.Ordinal))
                .Select(pair => new HlsVariant(Bandwidth(pair.First), new Uri(at, pair.Second)))
                .Where(variant => variant.Url.Authority == at.Authority)
                .OrderBy(variant => variant.Bandwidth),
        ];
    }

    /// <summary>The initialization segment, where there is one, and the segments in order.</summary>
    public static (Uri? Init, List<HlsSegment> Segments) Media(string text, Uri at)
    {
        Uri? init = null;
        var segments = new List<HlsSegment>();
        var seconds = 0.0;
        foreach (var line in text.Split('\n', StringSplitOptions.TrimEntries))
        {
            if (line.StartsWith("#EXT-X-MAP:", StringComparison.Ordinal))
                init = new Uri(at, Address().Match(line).Groups["uri"].Value);
            else if (line.StartsWith("#EXTINF:", StringComparison.Ordinal))
                seconds = double.Parse(line[8..].Split(',')[0], CultureInfo.InvariantCulture);
            else if (line.Length > 0 && line[0] != '#')
                segments.Add(new HlsSegment(seconds, new Uri(at, line)));
        }

        return (init, segments);
    }

    /// <summary>The peak, not <c>AVERAGE-BANDWIDTH</c>.</summary>
    private static int Bandwidth(string line) =>
        int.Parse(Peak().Match(line).Groups["bits"].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex("[:,]BANDWIDTH=(?<bits>[0-9]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Peak();

    [GeneratedRegex("URI=\"(?<uri>[^\"]*)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Address();
}
