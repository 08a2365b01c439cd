using EventStream.Contracts;

namespace EventStream.Encode.Ladder;

/// <summary>
/// Rungs from 240p to 2160p, each about 1.8 times the bits of the one below, which is the step at which a switch is
/// worth it and hardly seen. A rung is named for the short side of its picture, so that a portrait video of 1080x1920
/// has a 1080p rung too.
/// </summary>
public sealed class StandardLadder : ILadderPolicy
{
    /// <summary>Sources below the lowest step get one rung of their own size.</summary>
    private static readonly (int ShortSide, int BitsPerSecond)[] Steps =
    [
        (240, 400_000),
        (360, 800_000),
        (480, 1_400_000),
        (720, 2_800_000),
        (1080, 5_000_000),
        (1440, 9_000_000),
        (2160, 16_000_000),
    ];

    /// <summary>From this rate on a picture needs half as many bits again.</summary>
    private const double HighRateHz = 40;

    private const double HighRateFactor = 1.5;

    public string Name => "standard";

    public IReadOnlyList<Rung> Choose(SourceInfo source) => Choose(source, Steps);

    internal static IReadOnlyList<Rung> Choose(SourceInfo source, (int ShortSide, int BitsPerSecond)[] steps)
    {
        var shortSide = Math.Min(source.Width, source.Height);
        var rungs = steps
            .Where(step => step.ShortSide <= shortSide)
            .Select(step => Rung(source, step.ShortSide, step.BitsPerSecond));
        return rungs.ToList() is { Count: > 0 } fitting ? fitting : [Rung(source, shortSide, steps[0].BitsPerSecond)];
    }

    /// <summary>
    /// The rung whose playing makes a video playable: 360p, good enough to begin with and made in seconds, or else
    /// the lowest.
    /// </summary>
    public static Rung First(IReadOnlyList<Rung> ladder) =>
        ladder.FirstOrDefault(rung => Math.Min(rung.Width, rung.Height) == 360) ?? ladder[0];

    private static Rung Rung(SourceInfo source, int shortSide, int bitsPerSecond)
    {
        var even = shortSide / 2 * 2;
        var landscape = source.Width >= source.Height;
        var aspect = (double)Math.Max(source.Width, source.Height) / Math.Min(source.Width, source.Height);
        // A long side never exceeds the source's, which rounding up to even could do by one pixel.
        var longSide = Math.Min((int)Math.Round(even * aspect / 2) * 2, Math.Max(source.Width, source.Height) / 2 * 2);
        var bits = source.FramesPerSecond > HighRateHz ? (int)(bitsPerSecond * HighRateFactor) : bitsPerSecond;
        return new Rung($"{even}p", landscape ? longSide : even, landscape ? even : longSide, bits);
    }
}
