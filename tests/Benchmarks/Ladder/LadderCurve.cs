namespace EventStream.Benchmarks.Ladder;

/// <summary>
/// Compares two ladders as Bjøntegaard does two encoders: the mean ratio of bits over the likeness that both reach,
/// with bits on a logarithmic scale, likeness in decibels, and straight lines between the rungs.
/// </summary>
internal static class LadderCurve
{
    private const int Steps = 500;

    /// <summary>
    /// Bits of <paramref name="ours"/> over those of <paramref name="theirs"/> at equal SSIM. Rungs that another one
    /// beats in both are passed over, on either side.
    /// </summary>
    public static double BitsAtEqualQuality(
        IReadOnlyList<(double Bits, double Ssim)> theirs,
        IReadOnlyList<(double Bits, double Ssim)> ours
    )
    {
        var (one, other) = (Curve(theirs), Curve(ours));
        var (low, high) = (Math.Max(one[0].Db, other[0].Db), Math.Min(one[^1].Db, other[^1].Db));
        if (high <= low)
            throw new InvalidOperationException("The two ladders have no quality in common.");
        var mean = Enumerable
            .Range(0, Steps)
            .Select(i => low + ((high - low) * (i + 0.5) / Steps))
            .Average(db => LogBits(other, db) - LogBits(one, db));
        return Math.Exp(mean);
    }

    private static List<(double LogBits, double Db)> Curve(IEnumerable<(double Bits, double Ssim)> rungs)
    {
        var curve = new List<(double LogBits, double Db)>();
        foreach (var (bits, ssim) in rungs.OrderBy(rung => rung.Bits))
        {
            var db = -10 * Math.Log10(Math.Max(1e-6, 1 - ssim));
            if (curve.Count == 0 || db > curve[^1].Db)
                curve.Add((Math.Log(bits), db));
        }

        return curve;
    }

    private static double LogBits(List<(double LogBits, double Db)> curve, double db)
    {
        var at = Math.Clamp(curve.FindIndex(point => point.Db >= db), 1, curve.Count - 1);
        var (below, above) = (curve[at - 1], curve[at]);
        return below.LogBits + ((above.LogBits - below.LogBits) * (db - below.Db) / (above.Db - below.Db));
    }
}
