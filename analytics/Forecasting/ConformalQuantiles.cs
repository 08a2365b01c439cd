using MathNet.Numerics.Distributions;
using MathNet.Numerics.Statistics;

namespace EventStream.Forecasting;

/// <summary>
/// Split-conformal quantiles of residuals: the empirical quantile with the finite-sample correction (n + 1). Where
/// the pool is too small for the level, the larger of its extreme and the normal quantile of its spread is used.
/// </summary>
internal static class ConformalQuantiles
{
    /// <summary>Residuals that a pool needs before it is believed at all.</summary>
    public const int PoolMin = 8;

    /// <summary>
    /// The correction to add to a point forecast so that the truth stays below it with probability level.
    /// </summary>
    public static double Of(double[] sorted, double level)
    {
        if (sorted.Length == 0)
            return 0;
        var rank = (int)Math.Ceiling(level * (sorted.Length + 1));
        if (rank <= sorted.Length)
            return sorted[Math.Max(0, rank - 1)];
        var (mean, spread) = (ArrayStatistics.Mean(sorted), ArrayStatistics.PopulationStandardDeviation(sorted));
        return Math.Max(sorted[^1], Normal.InvCDF(mean, spread, level));
    }
}
