using EventStream.Contracts;

namespace EventStream.Encode.Ladder;

/// <summary>
/// The ladder of each title by what it needs: the first rung at a constant quality at once, the others from samples of
/// the title. Where no samples can be had, the others are those of <see cref="StandardLadder"/>.
/// </summary>
public sealed class PerTitleLadder : ILadderPolicy
{
    /// <summary>The constant qualities (x264's CRF) of the samples; between them one follows a line.</summary>
    public static readonly IReadOnlyList<double> SampleCrfs = [24, 34];

    /// <summary>Of the first rung, and of the samples that say how many bits it takes.</summary>
    public const double FirstCrf = 23;

    /// <summary>Of a rung below the first, for the slowest lines: it is seldom seen and never large.</summary>
    public const double LowCrf = 26;

    /// <summary>The best and the worst quality of a rung. Better is not seen, worse is not worth its name.</summary>
    private const double BestCrf = 21,
        WorstCrf = 38;

    private const double CrfStep = 0.5;

    /// <summary>A rung has so many times the bits of the one below.</summary>
    private const double BitsStep = 2;

    /// <summary>The lowest rung above the first has at least so many times its bits.</summary>
    private const double AboveFirst = 1.35;

    /// <summary>
    /// So much likeness, in decibels of SSIM, is given up for a smaller picture, which costs less to make and to show.
    /// </summary>
    private const double SmallerPictureDb = 0.1;

    /// <summary>A scene may take so many times the bits of the samples before it is held down.</summary>
    private const double SceneFactor = 2;

    public string Name => "per-title";

    /// <summary>
    /// The first rung and those below it as they stay, and the standard ones above, which hold until
    /// <see cref="Place"/> or for good.
    /// </summary>
    public IReadOnlyList<Rung> Choose(SourceInfo source)
    {
        var ladder = new StandardLadder().Choose(source);
        var first = StandardLadder.First(ladder);
        return
        [
            .. ladder.Select(rung =>
                rung == first ? rung with { Crf = FirstCrf }
                : Pixels(rung) < Pixels(first) ? rung with { Crf = LowCrf }
                : rung
            ),
        ];
    }

    /// <summary>
    /// What an analysis encodes: each rung above the first at every <see cref="SampleCrfs"/>, and the first as it is.
    /// None where no rung is above the first.
    /// </summary>
    public IReadOnlyList<LadderSample> Samples(IReadOnlyList<Rung> ladder)
    {
        var (first, above) = Split(ladder);
        return above.Count == 0
            ? []
            :
            [
                new LadderSample(first.Name, FirstCrf),
                .. above.SelectMany(rung => SampleCrfs.Select(crf => new LadderSample(rung.Name, crf))),
            ];
    }

    /// <summary>
    /// The rungs on the hull of quality over bits that the samples span: from the best that the standard ladder's bits
    /// allow, downwards in steps of bits, each at the size that looks best at its bits. No more rungs than
    /// <paramref name="ladder"/> has, which is what <see cref="Choose"/> chose.
    /// </summary>
    public IReadOnlyList<Rung> Place(IReadOnlyList<Rung> ladder, IReadOnlyList<LadderSample> samples)
    {
        var (first, above) = Split(ladder);
        var points = above.SelectMany(rung => Points(rung, samples)).ToList();
        var firstBits = samples.FirstOrDefault(sample => sample.Rung == first.Name)?.BitsPerSecond ?? 0;
        var budget = (double)ladder[^1].VideoBitrateBps;
        var placed = new List<Point>();
        while (placed.Count < above.Count && Best(points, budget) is { } best)
        {
            // The best one is worth it however few bits it takes.
            if (placed.Count > 0 && best.Bits < firstBits * AboveFirst)
                break;
            placed.Add(best);
            budget = best.Bits / BitsStep;
        }

        // Without samples, and where any quality takes more bits than there are, the ladder stays as it was.
        if (placed.Count == 0)
            return ladder;
        placed.Reverse();
        return
        [
            .. ladder.Where(rung => Pixels(rung) <= Pixels(first)),
            .. placed.Select((point, i) => Rung(point, placed.Skip(i + 1), ladder[^1].VideoBitrateBps)),
        ];
    }

    private static (Rung First, IReadOnlyList<Rung> Above) Split(IReadOnlyList<Rung> ladder)
    {
        var first = StandardLadder.First(ladder);
        return (first, [.. ladder.Where(rung => Pixels(rung) > Pixels(first))]);
    }

    private static long Pixels(Rung rung) => (long)rung.Width * rung.Height;

    /// <summary>
    /// What a rung gives at each quality: bits on a line in their logarithm, likeness on a line in decibels.
    /// </summary>
    private static IEnumerable<Point> Points(Rung rung, IReadOnlyList<LadderSample> samples)
    {
        var of = samples.Where(sample => sample.Rung == rung.Name && sample.BitsPerSecond > 0).ToList();
        if (of.Count < 2)
            yield break;
        var (low, high) = (of.MinBy(sample => sample.Crf)!, of.MaxBy(sample => sample.Crf)!);
        for (var crf = BestCrf; crf <= WorstCrf; crf += CrfStep)
        {
            var at = (crf - low.Crf) / (high.Crf - low.Crf);
            var bits = Math.Log(low.BitsPerSecond) + (at * Math.Log(high.BitsPerSecond / (double)low.BitsPerSecond));
            yield return new Point(rung, crf, Math.Exp(bits), Db(low) + (at * (Db(high) - Db(low))));
        }
    }

    /// <summary>The best point within a budget; of sizes that look alike, the smaller.</summary>
    private static Point? Best(IReadOnlyList<Point> points, double budget)
    {
        var within = points.Where(point => point.Bits <= budget).ToList();
        if (within.Count == 0)
            return null;
        var best = within.Max(point => point.Db);
        var size = within.Where(point => point.Db >= best - SmallerPictureDb).Min(point => Pixels(point.Rung));
        return within.Where(point => Pixels(point.Rung) == size).MaxBy(point => point.Db);
    }

    /// <summary>
    /// The rung of a point: named for its size, and from the second one of a size on for its place from the top.
    /// </summary>
    private static Rung Rung(Point point, IEnumerable<Point> better, int budget)
    {
        var place = better.Count(other => other.Rung == point.Rung) + 1;
        return point.Rung with
        {
            Name = place == 1 ? point.Rung.Name : $"{point.Rung.Name}-{place}",
            VideoBitrateBps = (int)Math.Round(Math.Min(budget, point.Bits * SceneFactor) / 1000) * 1000,
            Crf = point.Crf,
        };
    }

    /// <summary>Likeness in decibels, in which it goes with the logarithm of bits.</summary>
    private static double Db(LadderSample sample) => -10 * Math.Log10(Math.Max(1e-6, 1 - sample.Ssim));

    private sealed record Point(Rung Rung, double Crf, double Bits, double Db);
}
