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
        double centre = 0;
        foreach (var value in values)
            centre += value;
        centre /= values.Length;
        var centred = new double[values.Length];
        for (var i = 0; i < centred.Length; i++)
            centred[i] = values[i] - centre;
        var decomposition = LagCovariance(centred, window).Evd(MathNet.Numerics.LinearAlgebra.Symmetricity.Symmetric);
        cancellationToken.ThrowIfCancellationRequested();
        var vectors = new double[Math.Min(RankMax, window / 2)][];
        for (var r = 0; r < vectors.Length; r++)
        {
            vectors[r] = decomposition.EigenVectors.Column(window - 1 - r).ToArray();
        }

        return Select(vectors, centred, centre, cancellationToken);
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
            double sum = 0;
            for (var k = 0; k < windows; k++)
                sum += x[k] * x[k + lag];
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
            double cost = 0;
            for (var i = 0; i < steps; i++)
                cost += Math.Pow(path[i] - actual[i], 2);
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
            for (var i = 0; i < length; i++)
                coefficients[i] += last * vectors[r][i];
        }

        var scale = 1 / Math.Max(1e-6, 1 - vertical);
        for (var i = 0; i < length; i++)
            coefficients[i] *= scale;
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
        double early = 0,
            late = 0;
        for (var t = length; t < run.Length; t++)
        {
            run[t] = Dot(coefficients, run.AsSpan(t - length, length));
            if (!double.IsFinite(run[t]))
                return 1.1;
        }

        for (var i = 0; i < length; i++)
        {
            early = Math.Max(early, Math.Abs(run[(3 * length) + i]));
            late = Math.Max(late, Math.Abs(run[warm + i]));
        }

        return early > 0 ? Math.Pow(late / early, 1.0 / (3 * length)) : 1;
    }

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var sum = System.Numerics.Vector<double>.Zero;
        var width = System.Numerics.Vector<double>.Count;
        var i = 0;
        for (; i <= a.Length - width; i += width)
        {
            sum += new System.Numerics.Vector<double>(a[i..]) * new System.Numerics.Vector<double>(b[i..]);
        }

        var total = System.Numerics.Vector.Sum(sum);
        for (; i < a.Length; i++)
            total += a[i] * b[i];
        return total;
    }

    private sealed class Fitted(double[][] vectors, double[] recurrence, double centre) : IFittedForecaster
    {
        public double[] Forecast(History history, int horizon)
        {
            var window = vectors[0].Length;
            var last = history.Tail(window).Map(value => value - centre);
            var path = Continue(last.Span, horizon);
            for (var h = 0; h < horizon; h++)
                path[h] += centre;
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
                var share = Dot(vector, last);
                for (var i = 0; i < window; i++)
                    state[i] += share * vector[i];
            }

            for (var h = 0; h < horizon; h++)
            {
                state[window + h] = Dot(recurrence, state.AsSpan(h + 1, window - 1));
            }

            return state[window..];
        }
    }
}
