using EventStream.Forecasting;

namespace EventStream.Capacity;

/// <summary>
/// The load of one resource in steps of one length: maximum and mean of what was measured in each. A step of which
/// less than half was measured is incomplete: it is no zero, and nothing is decided on it. Not safe for threads; its
/// owner, <see cref="LoadSeries"/>, locks.
/// </summary>
internal sealed class LoadHistory(Season season, int stepsMax)
{
    /// <summary>Share of a step that must have been measured.</summary>
    private const double CoverageMin = 0.5;

    private readonly List<StepLoad> steps = [];
    private long firstStep;

    /// <summary>The rhythm of the steps.</summary>
    public Season Season => season;

    /// <summary>Number of the last step that is over, or null while there is none.</summary>
    public long? Completed { get; private set; }

    /// <summary>Number of the step that contains a moment.</summary>
    public long StepOf(DateTimeOffset time) => (long)Math.Floor((time - DateTimeOffset.UnixEpoch) / season.Step);

    /// <summary>Start of a step.</summary>
    public DateTimeOffset TimeOf(long step) => DateTimeOffset.UnixEpoch + (step * season.Step);

    /// <summary>The last complete step of which enough was measured, or null.</summary>
    public long? LastComplete
    {
        get
        {
            var step = Completed;
            while (step >= firstStep && MissingAt((int)(step.Value - firstStep)))
                step--;
            return step >= firstStep ? step : null;
        }
    }

    /// <summary>
    /// Writes a step from the measurements that touch it; <paramref name="until"/> is the end of the newest
    /// measurement of the resource. A step before what is kept is left out; one far ahead starts a new history.
    /// </summary>
    public void Write(long step, ReadOnlySpan<Measurement> measured, DateTimeOffset until)
    {
        if (steps.Count == 0 || step >= firstStep + steps.Count + stepsMax)
        {
            steps.Clear();
            firstStep = step;
        }

        if (step < firstStep && !ReachBack(step))
            return;
        while (firstStep + steps.Count <= step)
            steps.Add(StepLoad.None);
        steps[(int)(step - firstStep)] = Summarise(step, measured);
        // A step is over once the measurements reach its end.
        Completed = Math.Max(firstStep - 1, StepOf(until) - 1) is var last && last >= firstStep ? last : null;
        if (steps.Count <= stepsMax + season.Week)
            return;
        // Cut a week at a time, so that the cost of moving the rest is paid rarely.
        var excess = steps.Count - stepsMax;
        steps.RemoveRange(0, excess);
        firstStep += excess;
    }

    /// <summary>
    /// The maxima of the steps that are over, oldest first, from the first complete one; an incomplete one takes the
    /// value of a week, a day or a step before.
    /// </summary>
    public History Snapshot() => Filled(step => step.Max);

    /// <summary>The means, in the same steps as <see cref="Snapshot"/>.</summary>
    public History Means() => Filled(step => step.Mean);

    private History Filled(Func<StepLoad, double> value)
    {
        var over = Completed is { } last ? (int)(last - firstStep + 1) : 0;
        var from = 0;
        while (from < over && MissingAt(from))
            from++;
        var values = new double[over - from];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] =
                !MissingAt(from + i) ? value(steps[from + i])
                : i >= season.Week ? values[i - season.Week]
                : i >= season.Day ? values[i - season.Day]
                : values[i - 1];
        }

        return new History(values, firstStep + from);
    }

    private bool MissingAt(int index) => index >= steps.Count || steps[index].Missing;

    private bool ReachBack(long step)
    {
        var missing = firstStep - step;
        if (missing + steps.Count > stepsMax)
            return false;
        steps.InsertRange(0, Enumerable.Repeat(StepLoad.None, (int)missing));
        firstStep = step;
        return true;
    }

    private StepLoad Summarise(long step, ReadOnlySpan<Measurement> measured)
    {
        var (from, to) = (TimeOf(step), TimeOf(step + 1));
        double covered = 0,
            sum = 0,
            max = 0;
        foreach (var one in measured)
        {
            var (start, end) = (one.Time > from ? one.Time : from, one.End < to ? one.End : to);
            var seconds = (end - start).TotalSeconds;
            if (seconds <= 0)
                continue;
            covered += seconds;
            sum += seconds * one.Value;
            max = Math.Max(max, one.Peak);
        }

        return covered < CoverageMin * season.Step.TotalSeconds ? StepLoad.None : new StepLoad(max, sum / covered);
    }

    private readonly record struct StepLoad(double Max, double Mean)
    {
        public static readonly StepLoad None = new(double.NaN, double.NaN);

        public bool Missing => double.IsNaN(Max);
    }
}
