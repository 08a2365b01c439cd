using System.Numerics.Tensors;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Double;

namespace EventStream.Forecasting;

/// <summary>
/// Singular spectrum analysis with a window of one day: the leading eigenvectors of the lag covariance give a linear
/// recurrence, started from the projected last window (Golyandina and Zhigljavsky). The rank is the one that replays
/// the last steps best; a recurrence with a root outside the unit circle is damped back onto it.
/// </summary>
public sealed class SingularSpectrum : IForecaster
{
    private const int RankMax = 30;
    private const int ReplaySteps = 200;

    public string Name => "ssa_day";

    public int MinimumSteps(Season season) => 3 * season.Day;

    public IFittedForecaster Fit(History history, Season season, CancellationToken cancellationToken = default)
    {
        HistoryLength.Require(this, history, season);
        var values = history.Tail(Season.FitDaysMax * season.Day).Span;
        var window = season.Day;
        var centre = TensorPrimitives.Sum(values) / values.Length;
        var centred = new double[values.Length];
        TensorPrimitives.Subtract(values, centre, centred);
        var eigenvectors = LagCovariance(centred, window).Evd(Symmetricity.Symmetric).EigenVectors;
        cancellationToken.ThrowIfCancellationRequested();
        var leading = Enumerable
            .Range(1, Math.Min(RankMax, window / 2))
            .Select(r => eigenvectors.Column(window - r).ToArray());
        return Select([.. leading], centred, centre, cancellationToken);
    }

    /// <summary>
    /// The sums of x[i+k] x[j+k] over all windows, each diagonal updated from its neighbour: O(window (length +
    /// window)).
    /// </summary>
    private static DenseMatrix LagCovariance(double[] x, int window)
    {
        var windows = x.Length - window + 1;
        var matrix = DenseMatrix.Create(window, window, 0);
        for (var lag = 0; lag < window; lag++)
        {
            var sum = TensorPrimitives.Dot<double>(x.AsSpan(0, windows), x.AsSpan(lag, windows));
            for (var i = 0; ; i++)
            {
                matrix[i, i + lag] = matrix[i + lag, i] = sum;
                if (i + lag + 1 >= window)
                    break;
                sum += (x[i + windows] * x[i + lag + windows]) - (x[i] * x[i + lag]);
            }
        }

        return matrix;
    }

    private static Fitted Select(double[][] vectors, double[] x, double centre, CancellationToken cancellationToken)
    {
        var window = vectors[0].Length;
        var steps = Math.Min(Math.Max(window, ReplaySteps), x.Length - window);
        var start = x.AsSpan(0, x.Length - steps);
        var actual = x.AsSpan(x.Length - steps);
        var best = new Fitted(vectors[..1], Recurrence(vectors, 1), centre);
        var bestCost = double.PositiveInfinity;
        for (var rank = 1; rank <= vectors.Length; rank++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var candidate = new Fitted(vectors[..rank], Recurrence(vectors, rank), centre);
            var path = candidate.Continue(start, steps);
            var cost = TensorPrimitives.Distance<double>(path, actual);
            if (cost < bestCost)
                (best, bestCost) = (candidate, cost);
        }

        return best;
    }

    /// <summary>Coefficients of the recurrence, oldest value first, damped where it would grow.</summary>
    private static double[] Recurrence(double[][] vectors, int rank)
    {
        var length = vectors[0].Length - 1;
        var coefficients = new double[length];
        double vertical = 0;
        for (var r = 0; r < rank; r++)
        {
            var last = vectors[r][length];
            vertical += last * last;
            TensorPrimitives.MultiplyAdd(vectors[r].AsSpan(0, length), last, coefficients, coefficients);
        }

        TensorPrimitives.Divide(coefficients, Math.Max(1e-6, 1 - vertical), coefficients);
        var growth = Growth(coefficients);
        if (growth > 1)
        {
            for (var i = 0; i < length; i++)
                coefficients[i] *= Math.Pow(growth, i - length);
        }

        return coefficients;
    }

    /// <summary>Modulus of the dominant root, from the growth of a long run of the recurrence.</summary>
    private static double Growth(double[] coefficients)
    {
        var length = coefficients.Length;
        var warm = 6 * length;
        var run = new double[warm + length];
        run[length - 1] = 1;
        for (var t = length; t < run.Length; t++)
        {
            run[t] = TensorPrimitives.Dot<double>(coefficients, run.AsSpan(t - length, length));
            if (!double.IsFinite(run[t]))
                return 1.1;
        }

        var early = Math.Abs(TensorPrimitives.MaxMagnitude<double>(run.AsSpan(3 * length, length)));
        var late = Math.Abs(TensorPrimitives.MaxMagnitude<double>(run.AsSpan(warm)));
        return early > 0 ? Math.Pow(late / early, 1.0 / (3 * length)) : 1;
    }

    private sealed class Fitted(double[][] vectors, double[] recurrence, double centre) : IFittedForecaster
    {
        public double[] Forecast(History history, int horizon)
        {
            var window = vectors[0].Length;
            var last = history.Tail(window).Map(value => value - centre);
            var path = Continue(last.Span, horizon);
            TensorPrimitives.Add(path, centre, path);
            return path;
        }

        /// <summary>
        /// Continues centred values from the projection of their last window onto the leading vectors.
        /// </summary>
        public double[] Continue(ReadOnlySpan<double> centred, int horizon)
        {
            var window = vectors[0].Length;
            var state = new double[window + horizon];
            var last = centred[^window..];
            foreach (var vector in vectors)
            {
                var known = state.AsSpan(0, window);
                TensorPrimitives.MultiplyAdd(vector, TensorPrimitives.Dot(vector, last), known, known);
            }

            for (var h = 0; h < horizon; h++)
                state[window + h] = TensorPrimitives.Dot<double>(recurrence, state.AsSpan(h + 1, window - 1));

            return state[window..];
        }
    }
}
