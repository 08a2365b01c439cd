using System.Numerics;
using MathNet.Numerics.LinearAlgebra.Double;

namespace EventStream.Forecasting;

/// <summary>
/// Weighted least squares with an L2 penalty on standardised features and a free intercept. Rows are added one by one,
/// so that memory is that of the Gram matrix, whatever the length of the history.
/// </summary>
internal sealed class RidgeRegression
{
    private readonly int width;
    private readonly int stride;
    private readonly double[] gram;
    private readonly double[] row;
    private double mass;

    /// <summary>Creates an empty regression of <paramref name="features"/> features.</summary>
    public RidgeRegression(int features)
    {
        width = features;
        // Two more columns carry the target and the constant; padding keeps every row a whole number of vectors.
        stride = (features + 2 + Vector<double>.Count - 1) / Vector<double>.Count * Vector<double>.Count;
        gram = new double[(features + 2) * stride];
        row = new double[stride];
    }

    /// <summary>Adds one observation.</summary>
    public void Add(ReadOnlySpan<double> features, double target, double weight = 1)
    {
        features.CopyTo(row);
        row[width] = target;
        row[width + 1] = 1;
        mass += weight;
        for (var i = 0; i < width + 2; i++)
        {
            var factor = new Vector<double>(row[i] * weight);
            var into = gram.AsSpan(i * stride, stride);
            for (var j = i / Vector<double>.Count * Vector<double>.Count; j < stride; j += Vector<double>.Count)
            {
                var sum = new Vector<double>(into[j..]) + (factor * new Vector<double>(row, j));
                sum.CopyTo(into[j..]);
            }
        }
    }

    /// <summary>
    /// The coefficients followed by the intercept. <paramref name="penalty"/> is relative to the mass of the
    /// observations: 0.01 shrinks a lone standardised feature by one per cent.
    /// </summary>
    public double[] Solve(double penalty)
    {
        var coefficients = new double[width + 1];
        if (mass <= 0)
            return coefficients;
        var mean = new double[width + 1];
        for (var i = 0; i <= width; i++)
            mean[i] = gram[(i * stride) + width + 1] / mass;
        var scale = new double[width];
        for (var i = 0; i < width; i++)
        {
            var variance = (gram[(i * stride) + i] / mass) - (mean[i] * mean[i]);
            scale[i] = variance > 1e-12 * Math.Max(1e-12, mean[i] * mean[i]) ? Math.Sqrt(variance) : 0;
        }

        var solution = SolveStandardised(mean, scale, penalty);
        coefficients[width] = mean[width];
        for (var i = 0; i < width; i++)
        {
            if (scale[i] <= 0)
                continue;
            coefficients[i] = solution[i] / scale[i];
            coefficients[width] -= coefficients[i] * mean[i];
        }

        return coefficients;
    }

    private double[] SolveStandardised(double[] mean, double[] scale, double penalty)
    {
        var matrix = DenseMatrix.Create(width, width, 0);
        var right = DenseVector.Create(width, 0);
        for (var i = 0; i < width; i++)
        {
            matrix[i, i] = 1 + penalty + 1e-9;
            if (scale[i] <= 0)
                continue;
            right[i] = ((gram[(i * stride) + width] / mass) - (mean[i] * mean[width])) / scale[i];
            for (var j = i + 1; j < width; j++)
            {
                if (scale[j] <= 0)
                    continue;
                var covariance = (gram[(i * stride) + j] / mass) - (mean[i] * mean[j]);
                matrix[i, j] = matrix[j, i] = covariance / (scale[i] * scale[j]);
            }
        }

        return matrix.Cholesky().Solve(right).ToArray();
    }
}
