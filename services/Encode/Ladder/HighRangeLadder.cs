using EventStream.Contracts;

namespace EventStream.Encode.Ladder;

/// <summary>
/// The rungs of a source of high dynamic range that keep it, as HEVC Main 10: only the large ones, because a device
/// that shows the range has a screen for them. They are beside the ladder that every device plays.
/// </summary>
public static class HighRangeLadder
{
    /// <summary>Short sides below this in pixels are left out, where a larger one is there.</summary>
    private const int ShortSideMin = 720;

    /// <summary>HEVC needs about so much of the bits of H.264, and ten bits cost it little.</summary>
    private const double BitsOfH264 = 0.7;

    /// <summary>The rungs, at least one; none where the source has a standard range.</summary>
    public static IReadOnlyList<Rung> Choose(SourceInfo source)
    {
        if (source.Picture is null || VideoRange.Of(source.Picture) is null)
            return [];
        var all = new StandardLadder().Choose(source);
        var large = all.Where(rung => Math.Min(rung.Width, rung.Height) >= ShortSideMin).ToList();
        return
        [
            .. (large.Count > 0 ? large : [all[^1]]).Select(rung =>
                rung with
                {
                    Name = rung.Name + VideoRange.Suffix,
                    VideoBitrateBps = (int)Math.Round(rung.VideoBitrateBps * BitsOfH264 / 1000) * 1000,
                }
            ),
        ];
    }
}
