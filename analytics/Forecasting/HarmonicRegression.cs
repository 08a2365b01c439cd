using System.Numerics.Tensors;

namespace EventStream.Forecasting;

/// <summary>
/// Dynamic harmonic regression: daily and, from ten days on, weekly Fourier terms by ridge, and an autoregression of
/// what they leave (twelve lags, the same time yesterday, the mean of the last day). Best up to an hour ahead.
/// </summary>
public sealed class HarmonicRegression : IForecaster
{
    private const int WeeklyHarmonics = 28;
    private const int DailyHarmonics = 8;
    private const int Lags = 12;
    private const double HarmonicPenalty = 1e-4;
    private const double ResidualPenalty = 1e-4;

    /// <summary>
    /// Weight of an observation halves with each two weeks of age, so that a drifting level is followed.
    /// </summary>
    private const double HalfLifeDays = 14;

    public string Name => "dhr_ar";

    public int MinimumSteps(Season season) => Math.Max(3 * season.Day, season.Day + (4 * Lags));

    public IFittedForecaster Fit(History history, Season season, CancellationToken cancellationToken = default)
    {
        HistoryLength.Require(this, history, season);
        var recent = history.Tail(Season.FitDaysMax * season.Day);
        var terms = new Terms(season, season.AllowsWeekly(history.Count));
        var profile = FitProfile(recent, terms, season);
        cancellationToken.ThrowIfCancellationRequested();
        var residuals = Residuals(recent, profile);
        var regression = new RidgeRegression(Lags + 2);
        Span<double> row = stackalloc double[Lags + 2];
        for (var t = season.Day; t < residuals.Length; t++)
        {
            Fill(row, residuals.AsSpan(0, t), season.Day);
            regression.Add(row, residuals[t]);
        }

        return new Fitted(profile, regression.Solve(ResidualPenalty), season.Day);
    }

    /// <summary>
    /// The fitted value of each phase of the period; only phases enter the regression, not single steps.
    /// </summary>
    private static double[] FitProfile(History history, Terms terms, Season season)
    {
        var weights = new double[terms.Period];
        var sums = new double[terms.Period];
        var decay = Math.Pow(0.5, 1 / (HalfLifeDays * season.Day));
        var weight = 1.0;
        for (var i = history.Count - 1; i >= 0; i--, weight *= decay)
        {
            var phase = (int)((history.FirstStep + i) % terms.Period);
            weights[phase] += weight;
            sums[phase] += weight * history.Span[i];
        }

        var regression = new RidgeRegression(terms.Count);
        var row = new double[terms.Count];
        for (var phase = 0; phase < terms.Period; phase++)
        {
            if (weights[phase] <= 0)
                continue;
            terms.Fill(row, phase);
            regression.Add(row, sums[phase] / weights[phase], weights[phase]);
        }

        return terms.Profile(regression.Solve(HarmonicPenalty));
    }

    private static double[] Residuals(History history, double[] profile)
    {
        var residuals = new double[history.Count];
        for (var i = 0; i < residuals.Length; i++)
        {
            residuals[i] = history.Span[i] - profile[(history.FirstStep + i) % profile.Length];
        }

        return residuals;
    }

    private static void Fill(Span<double> row, ReadOnlySpan<double> residuals, int day)
    {
        for (var lag = 1; lag <= Lags; lag++)
            row[lag - 1] = residuals[^lag];
        row[Lags] = residuals[^day];
        row[Lags + 1] = TensorPrimitives.Sum(residuals[^day..]) / day;
    }

    private sealed class Fitted(double[] profile, double[] coefficients, int day) : IFittedForecaster
    {
        public double[] Forecast(History history, int horizon)
        {
            var recent = history.Tail(2 * day);
            var known = Residuals(recent, profile);
            var residuals = new double[known.Length + horizon];
            known.CopyTo(residuals, 0);
            var bound = known.Max(Math.Abs);
            var path = new double[horizon];
            Span<double> row = stackalloc double[Lags + 2];
            for (var h = 0; h < horizon; h++)
            {
                var at = known.Length + h;
                Fill(row, residuals.AsSpan(0, at), day);
                var next = RidgeRegression.Apply(coefficients, row);
                // A residual never leaves the range seen in two days, so a root near one cannot run away.
                residuals[at] = Math.Clamp(next, -bound, bound);
                path[h] = residuals[at] + profile[(recent.FirstStep + at) % profile.Length];
            }

            return path;
        }
    }

    /// <summary>
    /// The Fourier terms, each frequency once: weekly harmonics, then the daily ones that are not among them.
    /// </summary>
    private sealed class Terms
    {
        private readonly List<int> frequencies;

        public Terms(Season season, bool weekly)
        {
            Period = weekly ? season.Week : season.Day;
            var nyquist = (Period - 1) / 2;
            var daily = Enumerable.Range(1, DailyHarmonics).Select(k => k * (weekly ? 7 : 1));
            frequencies =
            [
                .. Enumerable
                    .Range(1, weekly ? WeeklyHarmonics : 0)
                    .Union(daily)
                    .Where(frequency => frequency <= nyquist),
            ];
        }

        public int Period { get; }

        public int Count => 2 * frequencies.Count;

        public void Fill(double[] row, int phase)
        {
            for (var i = 0; i < frequencies.Count; i++)
            {
                var angle = 2 * Math.PI * frequencies[i] * phase / Period;
                row[2 * i] = Math.Sin(angle);
                row[(2 * i) + 1] = Math.Cos(angle);
            }
        }

        public double[] Profile(double[] coefficients)
        {
            var profile = new double[Period];
            var row = new double[Count];
            for (var phase = 0; phase < Period; phase++)
            {
                Fill(row, phase);
                profile[phase] = RidgeRegression.Apply(coefficients, row);
            }

            return profile;
        }
    }
}
