using System.Globalization;

namespace EventStream.Cli.Load;

/// <summary>One variant of a multivariant playlist. Bandwidth in bits per second.</summary>
internal sealed record HlsVariant(int Bandwidth, Uri Url);

/// <summary>One segment of a media playlist. Duration in seconds.</summary>
internal sealed record HlsSegment(double Seconds, Uri Url);

/// <summary>Reads as much of HLS (RFC 8216bis) as a simulated viewer needs.</summary>
internal static class HlsPlaylists
{
    /// <summary>Variants by bandwidth, lowest first; each once, whatever the number of pathways.</summary>
    public static List<HlsVariant> Variants(string text, Uri at, string host)
    {
        var lines = text.Split('\n');
        var found = new List<HlsVariant>();
        for (var i = 0; i + 1 < lines.Length; i++)
        {
            if (!lines[i].StartsWith("#EXT-X-STREAM-INF:", StringComparison.Ordinal))
                continue;
            var url = new Uri(at, lines[i + 1].Trim());
            if (url.Authority == host)
                found.Add(new HlsVariant(Bandwidth(lines[i]), url));
        }

        return [.. found.OrderBy(variant => variant.Bandwidth)];
    }

    /// <summary>The initialization segment, where there is one, and the segments in order.</summary>
    public static (Uri? Init, List<HlsSegment> Segments) Media(string text, Uri at)
    {
        Uri? init = null;
        var segments = new List<HlsSegment>();
        var seconds = 0.0;
        foreach (var line in text.Split('\n').Select(line => line.Trim()))
        {
            if (line.StartsWith("#EXT-X-MAP:", StringComparison.Ordinal))
                init = new Uri(at, Quoted(line, "URI"));
            else if (line.StartsWith("#EXTINF:", StringComparison.Ordinal))
                seconds = double.Parse(line[8..].Split(',')[0], CultureInfo.InvariantCulture);
            else if (line.Length > 0 && line[0] != '#')
                segments.Add(new HlsSegment(seconds, new Uri(at, line)));
        }

        return (init, segments);
    }

    private static int Bandwidth(string line)
    {
        const string name = ":BANDWIDTH=";
        var normal = line.Replace(",BANDWIDTH=", name, StringComparison.Ordinal);
        var start = normal.IndexOf(name, StringComparison.Ordinal) + name.Length;
        var digits = normal[start..].TakeWhile(char.IsAsciiDigit).ToArray();
        return int.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
    }

    private static string Quoted(string line, string attribute)
    {
        var start = line.IndexOf(attribute + "=\"", StringComparison.Ordinal) + attribute.Length + 2;
        return line[start..line.IndexOf('"', start)];
    }
}
