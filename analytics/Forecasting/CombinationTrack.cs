using System.Numerics.Tensors;

namespace EventStream.Forecasting;

/// <summary>
/// The truth about how well the members did: their paths at past origins beside what happened. From origins whose steps
/// have since become known, and from nothing else, it derives the weights, the guard and the residuals.
/// </summary>
internal sealed class CombinationTrack(IReadOnlyList<Member> members, Season season, double[] truth)
{
    /// <summary>Origins that residuals are taken from: the latest ones, so that quantiles follow the series.</summary>
    private const int ResidualOriginsMax = 120;

    /// <summary>Scores lose half their weight with each five days of age.</summary>
    private const double ScoreHalfLifeDays = 5;

    private const double Power = 4;
    private const double DropRatio = 2;
    private const double EqualShare = 0.1;

    /// <summary>A naive forecast replaces the blend wholly where the blend's error is larger by this share.</summary>
    private const double GuardLoss = 0.1;

    private readonly Bands weightBands = Bands.OfWeights(season);
    private readonly List<Entry> entries = [];

    /// <summary>Number of origins recorded.</summary>
    public int Count => entries.Count;

    /// <summary>
    /// Records the members' paths in the stable domain made at index <paramref name="origin"/> (null: not fitted), and
    /// returns the blend, which was weighed on what was known by then.
    /// </summary>
    public double[] Record(int origin, double[]?[] paths)
    {
        var (guarded, free) = Weigh(origin, paths);
        var blend = Blend(paths, guarded);
        entries.Add(new Entry(origin, paths, blend, Blend(paths, free)));
        return blend;
    }

    /// <summary>Whether a member took part in the recorded origins.</summary>
    public bool Scored(int member) => entries.Count > 0 && entries[^1].Paths[member] is not null;

    /// <summary>Weights by band and member at a moment, each band summing to one.</summary>
    public double[][] Weights(int now, double[]?[] available) => Weigh(now, available).Guarded;

    private (double[][] Guarded, double[][] Free) Weigh(int now, double[]?[] available)
    {
        var horizon = available.First(path => path is not null)!.Length;
        var scores = Score(now, horizon);
        var guarded = new double[weightBands.Count][];
        var free = new double[weightBands.Count][];
        for (var band = 0; band < free.Length; band++)
        {
            free[band] = WeighBand(band, scores[band], available);
            guarded[band] = (double[])free[band].Clone();
            ApplyGuard(guarded[band], scores[band], available);
        }

        return (guarded, free);
    }

    /// <summary>The weighted mean of the paths, step by step.</summary>
    public double[] Blend(double[]?[] paths, double[][] weights)
    {
        var horizon = paths.First(path => path is not null)!.Length;
        var blend = new double[horizon];
        for (var h = 1; h <= horizon; h++)
        {
            var row = weights[weightBands.Of(h)];
            for (var m = 0; m < paths.Length; m++)
            {
                if (paths[m] is { } path && row[m] > 0)
                    blend[h - 1] += row[m] * path[h - 1];
            }
        }

        return blend;
    }

    /// <summary>Mean of a member's weights over the steps of a horizon.</summary>
    public double MeanWeight(double[][] weights, int member, int horizon)
    {
        double sum = 0;
        for (var h = 1; h <= horizon; h++)
            sum += weights[weightBands.Of(h)][member];
        return sum / horizon;
    }

    /// <summary>
    /// Signed residuals of the blend in the stable domain, known at <paramref name="now"/>, by residual band.
    /// </summary>
    public List<double>[] Residuals(int now, Bands bands)
    {
        var pools = Enumerable.Range(0, bands.Count).Select(_ => new List<double>()).ToArray();
        foreach (var entry in Recent(now))
        {
            var known = Math.Min(entry.Blend.Length, now - entry.Origin);
            for (var h = 1; h <= known; h++)
            {
                pools[bands.Of(h)].Add(truth[entry.Origin + h] - entry.Blend[h - 1]);
            }
        }

        return pools;
    }

    /// <summary>
    /// Residuals of the largest value over the next <paramref name="steps"/> steps, known at a moment.
    /// </summary>
    public List<double> MaxResiduals(int now, int steps)
    {
        var pool = new List<double>();
        foreach (var entry in Recent(now))
        {
            if (now - entry.Origin < steps || entry.Blend.Length < steps)
                continue;
            var actual = truth.AsSpan(entry.Origin + 1, steps);
            pool.Add(TensorPrimitives.Max(actual) - TensorPrimitives.Max(entry.Blend.AsSpan(0, steps)));
        }

        return pool;
    }

    private IEnumerable<Entry> Recent(int now)
    {
        var known = entries.Where(entry => entry.Origin < now).ToList();
        return known.Skip(Math.Max(0, known.Count - ResidualOriginsMax));
    }

    private double[] WeighBand(int band, Scores scores, double[]?[] available)
    {
        var withinHour = weightBands.Of(season.Hour) >= band;
        var errors = members
            .Select(
                (member, m) =>
                    available[m] is not null && !(withinHour ? member.LongTerm : member.ShortTerm)
                        ? scores.Error(m)
                        : double.NaN
            )
            .ToArray();
        if (!errors.Any(double.IsFinite))
            return Default(withinHour, available);
        var best = errors.Where(double.IsFinite).Min();
        var weights = errors
            .Select(error => error <= DropRatio * best ? Math.Pow((best + 1e-12) / (error + 1e-12), Power) : 0)
            .ToArray();
        var (sum, kept) = (weights.Sum(), weights.Count(weight => weight > 0));
        return [.. weights.Select(weight => weight > 0 ? ((1 - EqualShare) * weight / sum) + (EqualShare / kept) : 0)];
    }

    /// <summary>With no score yet: persistence up to an hour, beyond it what a young series can bear.</summary>
    private double[] Default(bool withinHour, double[]?[] available)
    {
        string[] wanted = withinHour ? ["persistence", "day_adj"] : ["day_adj", "snaive_day"];
        var weights = members
            .Select((member, m) => available[m] is not null && wanted.Contains(member.Forecaster.Name) ? 1.0 : 0)
            .ToArray();
        if (weights.Sum() <= 0)
            weights[Array.FindIndex(available, path => path is not null)] = 1;
        return [.. weights.Select(weight => weight / weights.Sum())];
    }

    /// <summary>
    /// Goes back to the best naive forecast as far as the blend has lost to it. The step is gradual, because near a
    /// threshold a difference too small to mean anything would decide on the whole forecast for days.
    /// </summary>
    private void ApplyGuard(double[] weights, Scores scores, double[]?[] available)
    {
        var best = Enumerable
            .Range(0, members.Count)
            .Where(m => members[m].IsNaive && available[m] is not null && !double.IsNaN(scores.Error(m)))
            .Cast<int?>()
            .MinBy(m => scores.Error(m!.Value));
        if (best is not { } naive || !(scores.Blend > 0))
            return;
        var share = Math.Clamp(((scores.Blend / scores.Error(naive)) - 1) / GuardLoss, 0, 1);
        TensorPrimitives.Multiply(weights, 1 - share, weights);
        weights[naive] += share;
    }

    private Scores[] Score(int now, int horizon)
    {
        var scores = new Scores[weightBands.Count];
        for (var band = 0; band < scores.Length; band++)
            scores[band] = new Scores(members.Count);
        foreach (var entry in entries)
        {
            var age = (double)(now - entry.Origin) / season.Day;
            var weight = Math.Pow(0.5, age / ScoreHalfLifeDays);
            var known = Math.Min(Math.Min(horizon, entry.Blend.Length), now - entry.Origin);
            for (var h = 1; h <= known; h++)
            {
                scores[weightBands.Of(h)].Add(entry, h, Stabiliser.Back(truth[entry.Origin + h]), weight);
            }
        }

        return scores;
    }

    /// <summary>
    /// What was said at an origin: <paramref name="Blend"/> with the guard, and <paramref name="Free"/> without it.
    /// The guard judges the latter; were it to judge its own choice, a naive forecast once chosen would never be left
    /// again.
    /// </summary>
    private sealed record Entry(int Origin, double[]?[] Paths, double[] Blend, double[] Free);

    /// <summary>Weighted absolute errors of one band in the unit of the series.</summary>
    private sealed class Scores(int members)
    {
        private readonly double[] errors = new double[members];
        private readonly double[] masses = new double[members];
        private double blendError;
        private double mass;

        public double Blend => mass > 0 ? blendError / mass : double.NaN;

        public double Error(int member) => masses[member] > 0 ? errors[member] / masses[member] : double.NaN;

        public void Add(Entry entry, int h, double actual, double weight)
        {
            mass += weight;
            blendError += weight * Math.Abs(Stabiliser.Back(entry.Free[h - 1]) - actual);
            for (var m = 0; m < errors.Length; m++)
            {
                if (entry.Paths[m] is not { } path)
                    continue;
                masses[m] += weight;
                errors[m] += weight * Math.Abs(Stabiliser.Back(path[h - 1]) - actual);
            }
        }
    }
}
