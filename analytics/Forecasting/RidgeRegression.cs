using System.Numerics.Tensors;
using MathNet.Numerics.LinearAlgebra.Double;

namespace EventStream.Forecasting;

/// <summary>
/// Weighted least squares with an L2 penalty on standardised features and a free intercept. Rows are added one by one,
/// so that memory is that of the Gram matrix, whatever the length of the history.
/// </summary>
internal sealed class RidgeRegression(int features)
{
    // The upper triangle. Two more columns carry the target and the constant.
    private readonly double[][] gram = [.. Enumerable.Range(0, features + 2).Select(_ => new double[features + 2])];
    private readonly double[] row = new double[features + 2];
    private double mass;

    /// <summary>The value that coefficients of <see cref="Solve"/> give to a row.</summary>
    public static double Apply(ReadOnlySpan<double> coefficients, ReadOnlySpan<double> row) =>
        coefficients[^1] + TensorPrimitives.Dot(coefficients[..^1], row);

    /// <summary>Adds one observation.</summary>
    public void Add(ReadOnlySpan<double> values, double target, double weight = 1)
    {
        values.CopyTo(row);
        row[features] = target;
        row[features + 1] = 1;
        mass += weight;
        for (var i = 0; i < row.Length; i++)
        {
            var into = gram[i].AsSpan(i);
            TensorPrimitives.MultiplyAdd(row.AsSpan(i), row[i] * weight, into, into);
        }
    }

    /// <summary>
    /// The coefficients followed by the intercept. <paramref name="penalty"/> is relative to the mass of the
    /// observations: 0.01 shrinks a lone standardised feature by one per cent.
    /// </summary>
    public double[] Solve(double penalty)
    {
        var coefficients = new double[features + 1];
        if (mass <= 0)
            return coefficients;
        var means = gram.Select(sums => sums[^1] / mass).ToArray();
        double Covariance(int i, int j) => (gram[Math.Min(i, j)][Math.Max(i, j)] / mass) - (means[i] * means[j]);
        // An infinite scale leaves out what does not vary.
        var scales = new double[features];
        for (var i = 0; i < features; i++)
        {
            var variance = Covariance(i, i);
            scales[i] =
                variance > 1e-12 * Math.Max(1e-12, means[i] * means[i]) ? Math.Sqrt(variance) : double.PositiveInfinity;
        }

        var matrix = DenseMatrix.Create(
            features,
            features,
            (i, j) => i == j ? 1 + penalty + 1e-9 : Covariance(i, j) / (scales[i] * scales[j])
        );
        var solution = matrix.Cholesky().Solve(DenseVector.Create(features, i => Covariance(i, features) / scales[i]));
        coefficients[features] = means[features];
        for (var i = 0; i < features; i++)
        {
            coefficients[i] = solution[i] / scales[i];
            coefficients[features] -= coefficients[i] * means[i];
        }

        return coefficients;
    }
}
