namespace EventStream.Forecasting;

/// <summary>
/// Ranges of the horizon within which members are weighed together: up to a quarter of an hour, an hour, six hours and
/// beyond, in parts of the day so that compressed time has the same bands. Residuals are pooled in finer ranges.
/// </summary>
internal sealed class Bands
{
    private readonly int[] edges;

    private Bands(IEnumerable<int> edges) => this.edges = [.. edges.Where(e => e >= 1).Distinct().Order()];

    /// <summary>Number of bands; the last one has no end.</summary>
    public int Count => edges.Length + 1;

    public static Bands OfWeights(Season season) => new([season.Day / 96, season.Hour, season.Day / 4]);

    public static Bands OfResiduals(Season season) =>
        new([1, season.Day / 96, season.Hour, season.Day / 8, season.Day / 4, season.Day / 2]);

    /// <summary>The band of the step <paramref name="h"/> steps ahead, from 1.</summary>
    public int Of(int h)
    {
        var band = 0;
        while (band < edges.Length && h > edges[band])
            band++;
        return band;
    }
}
