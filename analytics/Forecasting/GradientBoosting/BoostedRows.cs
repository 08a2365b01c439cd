using Microsoft.ML.Data;

namespace EventStream.Forecasting.GradientBoosting;

/// <summary>One observation for ML.NET: what was known at an origin, and what followed.</summary>
internal sealed class BoostedRow
{
    public float[] Features { get; init; } = [];

    public float Label { get; init; }
}

/// <summary>
/// What gradient boosting sees at an origin for a target some steps ahead. A tree cannot extrapolate, so features are
/// differences to the mean of the last day, and the label is the difference to the mean of the past days at the same
/// time: a level that was never seen is forecast like any other.
/// </summary>
internal sealed class BoostedRows
{
    /// <summary>Features beyond the ridge's: the logarithm of the horizon, and the level.</summary>
    private const int Extra = 2;

    private readonly Season season;
    private readonly RidgeFeatures features;
    private readonly History history;
    private readonly double[] totals;
    private readonly double[] row;

    public BoostedRows(History history, Season season, RidgeFeatures features)
    {
        (this.history, this.season, this.features) = (history, season, features);
        totals = RidgeFeatures.Totals(history.Span);
        row = new double[features.Count];
    }

    /// <summary>The schema of a row, which ML.NET cannot derive from an array.</summary>
    public static SchemaDefinition Schema(RidgeFeatures features)
    {
        var schema = SchemaDefinition.Create(typeof(BoostedRow));
        schema[nameof(BoostedRow.Features)].ColumnType = new VectorDataViewType(
            NumberDataViewType.Single,
            Width(features)
        );
        return schema;
    }

    /// <summary>Number of features of a row.</summary>
    public static int Width(RidgeFeatures features) => features.Count + Extra;

    /// <summary>
    /// The row of an origin and a horizon with the value that its label is relative to. The label is 0 where the
    /// target is not known.
    /// </summary>
    public (BoostedRow Row, double Base) At(int origin, int horizon)
    {
        features.Fill(row, history, totals, origin, horizon);
        var level = Level(origin);
        var profile = row[features.ProfileAt];
        var values = new float[row.Length + Extra];
        for (var i = 0; i < row.Length; i++)
        {
            values[i] = (float)(i < features.CalendarFrom ? row[i] - level : row[i]);
        }

        values[^2] = MathF.Log(horizon);
        values[^1] = (float)level;
        var target = origin + horizon;
        var label = target < history.Count ? (float)(history.Span[target] - profile) : 0;
        return (new BoostedRow { Features = values, Label = label }, profile);
    }

    /// <summary>Mean of the day that ends at an index.</summary>
    private double Level(int origin)
    {
        var from = Math.Max(0, origin - season.Day + 1);
        return (totals[origin + 1] - totals[from]) / (origin - from + 1);
    }
}
