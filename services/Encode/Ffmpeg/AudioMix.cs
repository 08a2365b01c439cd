using System.Globalization;

namespace EventStream.Encode.Ffmpeg;

/// <summary>
/// How channels become stereo where ffmpeg's resampler has no rule: layouts beyond 7.1, ambisonics, and channels
/// without a layout. What comes out is never louder than what goes in.
/// </summary>
public static class AudioMix
{
    /// <summary>ffmpeg's pan filter takes no more.</summary>
    public const int ChannelsMax = 64;

    /// <summary>Up to here ffmpeg takes channels without a layout for the usual one of their number.</summary>
    private const int GuessedMax = 8;

    /// <summary>Half the power on each side.</summary>
    private const string Middle = "0.707*";

    private static readonly HashSet<string> Folded = new(StringComparer.Ordinal)
    {
        "mono",
        "stereo",
        "downmix",
        "2.1",
        "3.0",
        "3.0(back)",
        "4.0",
        "quad",
        "quad(side)",
        "3.1",
        "5.0",
        "5.0(side)",
        "4.1",
        "5.1",
        "5.1(side)",
        "6.0",
        "6.0(front)",
        "hexagonal",
        "6.1",
        "6.1(back)",
        "6.1(front)",
        "7.0",
        "7.0(front)",
        "7.1",
        "7.1(wide)",
        "7.1(wide-side)",
        "octagonal",
    };

    /// <summary>Named layouts with channels above the listener, in the order of their channels.</summary>
    private static readonly Dictionary<string, string> Positions = new(StringComparer.Ordinal)
    {
        ["cube"] = "FL+FR+BL+BR+TFL+TFR+TBL+TBR",
        ["7.1(top)"] = "FL+FR+FC+LFE+BL+BR+TFL+TFR",
        ["hexadecagonal"] = "FL+FR+FC+BL+BR+BC+SL+SR+TFL+TFC+TFR+TBL+TBC+TBR+WL+WR",
        ["22.2"] = "FL+FR+FC+LFE+BL+BR+FLC+FRC+BC+SL+SR+TC+TFL+TFC+TFR+TBL+TBC+TBR+LFE2+TSL+TSR+BFC+BFL+BFR",
    };

    /// <summary>
    /// The value of ffmpeg's <c>pan</c> filter that mixes so many channels of a layout to stereo, or null where the
    /// resampler does it.
    /// </summary>
    public static string? Pan(int channels, string? layout)
    {
        if (channels is < 1 or > ChannelsMax || (layout is not null && Folded.Contains(layout)))
            return null;
        if (layout is null && channels <= GuessedMax)
            return null;
        if (channels <= 2)
            return Mix(["c0"], [$"c{channels - 1}"]);
        if (layout is null)
            return Pairs(channels);
        if (layout.StartsWith("ambisonic", StringComparison.Ordinal))
            return Ambisonic(layout, channels);
        return PositionsOf(layout) is { } names && names.Count == channels ? Positioned(names) : Pairs(channels);
    }

    /// <summary>Channels without a place come in pairs of left and right, as recorders lay them out.</summary>
    private static string Pairs(int channels)
    {
        var all = Enumerable.Range(0, channels).ToList();
        return Mix(all.Where(c => c % 2 == 0).Select(c => $"c{c}"), all.Where(c => c % 2 == 1).Select(c => $"c{c}"));
    }

    /// <summary>
    /// Two cardioids that look left and right: the whole (W, channel 0) with and against the side (Y, channel 1).
    /// Two channels beyond a full sphere are stereo that is not turned with it.
    /// </summary>
    private static string Ambisonic(string layout, int channels)
    {
        if (layout.Contains("+stereo", StringComparison.Ordinal))
        {
            var (left, right) = (channels - 2, channels - 1);
            return $"stereo|c0=0.25*c0+0.25*c1+0.5*c{left}|c1=0.25*c0-0.25*c1+0.5*c{right}";
        }

        return "stereo|c0=0.5*c0+0.5*c1|c1=0.5*c0-0.5*c1";
    }

    /// <summary>Left to the left, right to the right, what is between them to both; no low-frequency effects.</summary>
    private static string Positioned(IReadOnlyList<string> names)
    {
        var (left, right) = (new List<string>(), new List<string>());
        for (var i = 0; i < names.Count; i++)
        {
            var name = names[i];
            if (name.StartsWith("LFE", StringComparison.Ordinal))
                continue;
            if (name.Contains('L'))
                left.Add($"c{i}");
            else if (name.Contains('R'))
                right.Add($"c{i}");
            else
            {
                left.Add($"{Middle}c{i}");
                right.Add($"{Middle}c{i}");
            }
        }

        return left.Count > 0 && right.Count > 0 ? Mix(left, right) : Pairs(names.Count);
    }

    /// <summary>The sign <c>&lt;</c> scales the gains of a side to a sum of one.</summary>
    private static string Mix(IEnumerable<string> left, IEnumerable<string> right) =>
        string.Create(CultureInfo.InvariantCulture, $"stereo|c0<{string.Join('+', left)}|c1<{string.Join('+', right)}");

    /// <summary>The places of a layout such as <c>10 channels (FL+FR+FC)</c>, or null where it has none.</summary>
    private static List<string>? PositionsOf(string layout)
    {
        var text = Positions.GetValueOrDefault(layout) ?? layout;
        var open = text.IndexOf(" channels (", StringComparison.Ordinal);
        if (open >= 0)
            text = text[(open + " channels (".Length)..].TrimEnd(')');
        var names = text.Split('+').ToList();
        return names.TrueForAll(IsPlace) ? names : null;
    }

    private static bool IsPlace(string name) =>
        name is "LFE" or "LFE2" || (name.Length is 2 or 3 && name.All("FBSTWDLRC".Contains));
}
