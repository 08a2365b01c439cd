using System.Numerics.Tensors;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Double;
using MathNet.Numerics.Optimization;

namespace EventStream.Forecasting;

/// <summary>
/// Double seasonal exponential smoothing with autoregressive residual (Taylor, 2003), additive and without trend: a
/// level, a daily and, from ten days on, a weekly profile. Its four rates are fitted on absolute error over a day of
/// horizons.
/// </summary>
public sealed class DoubleSeasonal : IForecaster
{
    private const int Evaluations = 90;
    private const double Reach = 1.2;
    private const double Tolerance = 1e-5;
    private const int OriginsMax = 400;

    public string Name => "dshw";

    public int MinimumSteps(Season season) => 3 * season.Day;

    public IFittedForecaster Fit(History history, Season season, CancellationToken cancellationToken = default)
    {
        HistoryLength.Require(this, history, season);
        var weekly = season.AllowsWeekly(history.Count);
        var recent = history.Tail(Season.FitDaysMax * season.Day);
        double[] best = [Logit(0.02), Logit(0.15), Logit(weekly ? 0.15 : 0.001), Logit(0.9)];
        var least = double.PositiveInfinity;
        double CostOf(Vector<double> point)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var cost = Cost(new Smoother(Rates(point), season, weekly), recent, season);
            if (cost < least)
                (best, least) = (point.ToArray(), cost);
            return cost;
        }

        try
        {
            var start = DenseVector.OfArray(best);
            var reach = DenseVector.Create(start.Count, Reach);
            NelderMeadSimplex.Minimum(ObjectiveFunction.Value(CostOf), start, reach, Tolerance, Evaluations);
        }
        catch (MaximumIterationsException)
        {
            // The best point that the evaluations found is good enough.
        }

        return new Fitted(Rates(best), season, weekly);
    }

    private static double Logit(double p) => Math.Log(p / (1 - p));

    private static double[] Rates(IEnumerable<double> p) => [.. p.Select(x => 1 / (1 + Math.Exp(-x)))];

    private static double Cost(Smoother smoother, History history, Season season)
    {
        var values = history.Span;
        smoother.Start(history);
        var horizons = Horizons.Sample(season);
        var first = Math.Min(values.Length / 2, smoother.Weekly ? season.Week : season.Day);
        var last = values.Length - 1 - season.Day;
        var stride = Math.Max(1, (last - first) / OriginsMax) | 1;
        double cost = 0;
        for (var t = 0; t < values.Length; t++)
        {
            smoother.Step(values[t]);
            if (t < first || t > last || (t - first) % stride != 0)
                continue;
            foreach (var h in horizons)
                cost += Math.Abs(smoother.Ahead(h) - values[t + h]);
        }

        return cost;
    }

    private sealed class Fitted(double[] rates, Season season, bool weekly) : IFittedForecaster
    {
        public double[] Forecast(History history, int horizon)
        {
            var recent = history.Tail(Season.FitDaysMax * season.Day);
            var smoother = new Smoother(rates, season, weekly);
            smoother.Start(recent);
            foreach (var value in recent.Span)
                smoother.Step(value);
            var path = new double[horizon];
            for (var h = 1; h <= horizon; h++)
                path[h - 1] = smoother.Ahead(h);
            return path;
        }
    }

    private sealed class Smoother(double[] rates, Season season, bool weekly)
    {
        private readonly double[] day = new double[season.Day];
        private readonly double[] week = new double[season.Week];
        private double level;
        private double residual;
        private int dayAt;
        private int weekAt;

        public bool Weekly => weekly;

        /// <summary>
        /// Level, then daily, then weekly profile as means over the first week or what there is of it.
        /// </summary>
        public void Start(History history)
        {
            var first = history.Span[..Math.Min(history.Count, weekly ? season.Week : 2 * season.Day)];
            level = TensorPrimitives.Sum(first) / first.Length;
            residual = 0;
            Array.Clear(week);
            for (var phase = 0; phase < day.Length; phase++)
            {
                double sum = 0;
                var used = 0;
                for (var t = phase; t < first.Length; t += day.Length, used++)
                    sum += first[t] - level;
                day[phase] = used > 0 ? sum / used : 0;
            }

            // A week is seen once at the start, so its own profile is trusted by half.
            if (weekly)
            {
                for (var t = 0; t < first.Length; t++)
                    week[t] = (first[t] - level - day[t % day.Length]) / 2;
            }

            dayAt = 0;
            weekAt = 0;
        }

        public void Step(double value)
        {
            var d = day[dayAt];
            var w = weekly ? week[weekAt] : 0;
            residual = value - level - d - w;
            level += rates[0] * residual;
            day[dayAt] = d + (rates[1] * (value - level - w - d));
            if (weekly)
                week[weekAt] = w + (rates[2] * (value - level - d - w));
            dayAt = (dayAt + 1) % day.Length;
            weekAt = (weekAt + 1) % week.Length;
        }

        public double Ahead(int h)
        {
            var seasonal = day[(dayAt + h - 1) % day.Length] + (weekly ? week[(weekAt + h - 1) % week.Length] : 0);
            return level + seasonal + (Math.Pow(rates[3], h) * residual);
        }
    }
}
