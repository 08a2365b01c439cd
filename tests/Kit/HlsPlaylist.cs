using System.Globalization;

namespace EventStream.Tests.Kit;

/// <summary>Reads what a media playlist says (RFC 8216).</summary>
internal static class HlsPlaylist
{
    /// <summary>The lengths of the segments in seconds, in order.</summary>
    public static IEnumerable<double> Durations(string playlist) =>
        from line in playlist.Split('\n')
        where line.StartsWith("#EXTINF:", StringComparison.Ordinal)
        select double.Parse(line["#EXTINF:".Length..line.IndexOf(',')], CultureInfo.InvariantCulture);
}
