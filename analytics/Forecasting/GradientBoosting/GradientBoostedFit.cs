using Microsoft.ML;
using Microsoft.ML.Data;

namespace EventStream.Forecasting.GradientBoosting;

/// <summary>A trained model: ML.NET's transformer and how its features were made. Safe for threads.</summary>
public sealed class GradientBoostedFit : IFittedForecaster
{
    private readonly MLContext context;
    private readonly ITransformer model;
    private readonly RidgeFeatures features;

    internal GradientBoostedFit(MLContext context, ITransformer model, Season season, bool weekly, long lastStep)
    {
        (this.context, this.model, Season, IsWeekly, LastStep) = (context, model, season, weekly, lastStep);
        features = new RidgeFeatures(season, weekly);
    }

    /// <summary>The rhythm that the model was trained in.</summary>
    public Season Season { get; }

    /// <summary>Whether features of the week are among those that it was trained with.</summary>
    public bool IsWeekly { get; }

    /// <summary>Absolute number of the last step that it has learned from.</summary>
    public long LastStep { get; }

    /// <summary>Steps before the origin of a forecast that must be known.</summary>
    public int LookBack => features.LookBack;

    /// <inheritdoc />
    public double[] Forecast(History history, int horizon)
    {
        var recent = history.Tail((2 * features.LookBack) + 1);
        var source = new BoostedRows(recent, Season, features);
        var rows = new BoostedRow[horizon];
        var path = new double[horizon];
        for (var h = 1; h <= horizon; h++)
            (rows[h - 1], path[h - 1]) = source.At(recent.Count - 1, h);
        var scored = model.Transform(context.Data.LoadFromEnumerable(rows, BoostedRows.Schema(features)));
        return [.. path.Zip(scored.GetColumn<float>("Score"), (known, score) => Math.Max(0, known + score))];
    }

    /// <summary>Writes the model as ML.NET's .zip.</summary>
    public void Save(Stream stream)
    {
        var rows = context.Data.LoadFromEnumerable(Array.Empty<BoostedRow>(), BoostedRows.Schema(features));
        context.Model.Save(model, rows.Schema, stream);
    }

    /// <summary>
    /// Reads what <see cref="Save"/> wrote; its scores are the same to the bit. Throws <see cref="FormatException"/>
    /// where the stream holds no model, or one of other features.
    /// </summary>
    public static GradientBoostedFit Load(Stream stream, Season season, bool weekly, long lastStep)
    {
        var ml = new MLContext(seed: 1);
        var (model, schema) = Read(ml, stream);
        var width = BoostedRows.Width(new RidgeFeatures(season, weekly));
        var found = (schema?.GetColumnOrNull(nameof(BoostedRow.Features))?.Type as VectorDataViewType)?.Size ?? 0;
        return found == width
            ? new GradientBoostedFit(ml, model, season, weekly, lastStep)
            : throw new FormatException($"the model has {found} features, and {width} are expected");
    }

    private static (ITransformer Model, DataViewSchema? Schema) Read(MLContext ml, Stream stream)
    {
        try
        {
            return (ml.Model.Load(stream, out var schema), schema);
        }
        catch (Exception e) when (e is not (OutOfMemoryException or OperationCanceledException))
        {
            // ML.NET names no exceptions for a broken file: it throws what it stumbles over.
            throw new FormatException($"it holds no model that ML.NET can read: {e.Message}", e);
        }
    }
}
