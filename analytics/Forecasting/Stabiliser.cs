namespace EventStream.Forecasting;

/// <summary>
/// The square root, which makes the noise of counts about as large at night as at the peak. Every model and every
/// quantile lives in this domain; medians and quantiles pass through it unchanged because it is monotone.
/// </summary>
internal static class Stabiliser
{
    /// <summary>Into the stable domain; a negative value counts as none.</summary>
    public static double Forward(double value) => Math.Sqrt(Math.Max(0, value));

    /// <summary>Back into the unit of the series; never negative.</summary>
    public static double Back(double stable) => stable <= 0 ? 0 : stable * stable;
}
