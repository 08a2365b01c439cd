using EventStream.Capacity.Forecasting;

namespace EventStream.Capacity;

/// <summary>
/// The load of one resource by step of event time. A step is complete when a later one has begun; the newest is
/// therefore still open. A repeated record replaces the value of its step, so that reading the topic again changes
/// nothing.
/// </summary>
public sealed class LoadHistory(string resource, Season season, int stepsMax)
{
    private readonly Lock gate = new();
    private readonly List<double> values = [];
    private long firstStep;

    /// <summary>Name of the load series.</summary>
    public string Resource { get; } = resource;

    /// <summary>Unit of the values, from the last record.</summary>
    public string Unit { get; private set; } = "";

    /// <summary>Number of the last complete step, or null while there is none.</summary>
    public long? Completed
    {
        get
        {
            lock (gate) return values.Count >= 2 ? firstStep + values.Count - 2 : null;
        }
    }

    /// <summary>Start of a step.</summary>
    public DateTimeOffset TimeOf(long step) => DateTimeOffset.UnixEpoch + (step * season.Step);

    /// <summary>
    /// Takes the value of the step that contains <paramref name="time"/>. Returns false for a step before what is
    /// kept, or for a value that is not a number. A jump ahead beyond what is kept starts the history anew.
    /// </summary>
    public bool Put(DateTimeOffset time, double value, string unit)
    {
        if (!double.IsFinite(value)) return false;
        var step = (long)Math.Floor((time - DateTimeOffset.UnixEpoch) / season.Step);
        lock (gate)
        {
            Unit = unit;
            if (values.Count == 0 || step >= firstStep + values.Count + stepsMax)
            {
                values.Clear();
                firstStep = step;
            }

            if (step < firstStep) return PutBefore(step, value);
            while (firstStep + values.Count <= step) values.Add(double.NaN);
            values[(int)(step - firstStep)] = Math.Max(0, value);
            if (values.Count > stepsMax + season.Week)
            {
                // Cut a week at a time, so that the cost of moving the rest is paid rarely.
                var excess = values.Count - stepsMax;
                values.RemoveRange(0, excess);
                firstStep += excess;
            }

            return true;
        }
    }

    /// <summary>
    /// The complete steps, oldest first; a missing one takes the value of a week, a day or a step before.
    /// </summary>
    public History Snapshot()
    {
        lock (gate)
        {
            var complete = new double[Math.Max(0, values.Count - 1)];
            for (var i = 0; i < complete.Length; i++)
            {
                complete[i] = !double.IsNaN(values[i]) ? values[i]
                    : i >= season.Week ? complete[i - season.Week]
                    : i >= season.Day ? complete[i - season.Day]
                    : i > 0 ? complete[i - 1] : 0;
            }

            return new History(complete, firstStep);
        }
    }

    private bool PutBefore(long step, double value)
    {
        var missing = firstStep - step;
        if (missing + values.Count > stepsMax) return false;
        values.InsertRange(0, Enumerable.Repeat(double.NaN, (int)missing));
        firstStep = step;
        values[0] = Math.Max(0, value);
        return true;
    }
}
