using EventStream.Contracts;
using EventStream.Forecasting;

namespace EventStream.Capacity;

/// <summary>Mean and largest value over <paramref name="Step"/> from <paramref name="Time"/> on.</summary>
internal readonly record struct Measurement(DateTimeOffset Time, TimeSpan Step, double Value, double Peak)
{
    public DateTimeOffset End => Time + Step;
}

/// <summary>
/// The load of one resource in two resolutions. Records come in the step in which they were measured, whatever that
/// is; out of them are made minutes (<see cref="Fast"/>), on which scaling is decided, and the steps of the day-ahead
/// forecast (<see cref="Slow"/>), which are a whole number of minutes. A record is identified by its time: a repeated
/// one changes nothing, a corrected one replaces its predecessor.
/// </summary>
public sealed class LoadSeries
{
    /// <summary>Measurements are kept this long, and two steps at least, to recognize repeated and late ones.</summary>
    private static readonly TimeSpan WindowMin = TimeSpan.FromHours(1);

    /// <summary>Measurements kept at most: an hour of one each second.</summary>
    private const int MeasurementsMax = 3600;

    private static readonly Comparer<Measurement> ByTime = Comparer<Measurement>.Create(
        (one, other) => one.Time.CompareTo(other.Time)
    );

    private readonly Lock gate = new();
    private readonly List<Measurement> recent = [];
    private readonly LoadHistory slow;
    private readonly LoadHistory fast;
    private readonly TimeSpan window;
    private DateTimeOffset keptFrom = DateTimeOffset.MinValue;

    /// <summary>An empty series of a resource.</summary>
    public LoadSeries(string resource, CapacityOptions options)
    {
        Resource = resource;
        slow = new LoadHistory(options.Season, options.HistoryStepsMax);
        window = options.Season.Step * 2 > WindowMin ? options.Season.Step * 2 : WindowMin;
        fast = options.HasMinutes ? new LoadHistory(options.Minutes, options.MinutesMax) : slow;
    }

    /// <summary>Name of the load series.</summary>
    public string Resource { get; }

    /// <summary>Unit of the values, from the last record.</summary>
    public string Unit { get; private set; } = "";

    /// <summary>Seconds of a measured step, from the last record.</summary>
    public double MeasuredSeconds { get; private set; }

    /// <summary>Number of the last minute that is over, or null while there is none.</summary>
    public long? FastCompleted
    {
        get
        {
            lock (gate)
                return fast.Completed;
        }
    }

    /// <summary>End of the last minute of which enough was measured, or null while there is none.</summary>
    public DateTimeOffset? CompleteUntil
    {
        get
        {
            lock (gate)
                return fast.LastComplete is { } last ? fast.TimeOf(last + 1) : null;
        }
    }

    /// <summary>The steps of the day-ahead forecast.</summary>
    public LoadView Slow => View(slow);

    /// <summary>The minutes; the same as <see cref="Slow"/> where a step is no longer than a minute.</summary>
    public LoadView Fast => View(fast);

    /// <summary>
    /// Takes one record, which has passed <see cref="LoadReadModel"/>'s checks, into every step that it touches; false
    /// where it is older than the measurements that are kept to recognize repeated ones.
    /// </summary>
    public bool Take(LoadMeasured load)
    {
        var peak = load.Peak is { } measured && double.IsFinite(measured) ? Math.Max(measured, load.Value) : load.Value;
        var one = new Measurement(
            load.Time,
            TimeSpan.FromSeconds(load.StepSeconds),
            Math.Max(0, load.Value),
            Math.Max(0, peak)
        );
        lock (gate)
        {
            if (one.Time < keptFrom)
                return false;
            (Unit, MeasuredSeconds) = (load.Unit, load.StepSeconds);
            var at = IndexOf(one.Time);
            var known = at < recent.Count && recent[at].Time == one.Time;
            if (known && recent[at] == one)
                return true;
            var replaced = known ? recent[at].End : one.End;
            if (known)
                recent[at] = one;
            else
                recent.Insert(at, one);
            var end = replaced > one.End ? replaced : one.End;
            Write(slow, one.Time, end);
            if (!ReferenceEquals(fast, slow))
                Write(fast, one.Time, end);
            Forget();
            return true;
        }
    }

    private LoadView View(LoadHistory history)
    {
        lock (gate)
        {
            return new LoadView(
                history.Season,
                history.Completed,
                history.LastComplete,
                history.Snapshot(),
                history.Means()
            );
        }
    }

    private void Write(LoadHistory history, DateTimeOffset from, DateTimeOffset to)
    {
        var until = recent[^1].End;
        var last = history.StepOf(to - TimeSpan.FromTicks(1));
        for (var step = history.StepOf(from); step <= last; step++)
        {
            history.Write(step, Touching(history.TimeOf(step), history.TimeOf(step + 1)), until);
        }
    }

    /// <summary>
    /// The measurements that may touch a span of time: none is longer than a step of the day-ahead forecast.
    /// </summary>
    private ReadOnlySpan<Measurement> Touching(DateTimeOffset from, DateTimeOffset to)
    {
        var first = IndexOf(from - slow.Season.Step);
        var count = IndexOf(to) - first;
        return System.Runtime.InteropServices.CollectionsMarshal.AsSpan(recent).Slice(first, count);
    }

    /// <summary>Index of the first measurement at or after a moment.</summary>
    private int IndexOf(DateTimeOffset time)
    {
        var found = recent.BinarySearch(new Measurement(time, default, 0, 0), ByTime);
        return found < 0 ? ~found : found;
    }

    /// <summary>
    /// Forgets measurements beyond the window, up to the start of a step, so that no step is written again from a part
    /// of its measurements.
    /// </summary>
    private void Forget()
    {
        var from = recent[^1].End - window;
        if (recent.Count > MeasurementsMax && recent[^MeasurementsMax].Time is var bound && bound > from)
            from = bound;
        // Whole steps at a time, and rarely: removing from the front moves everything behind it.
        if (recent[0].End > from - slow.Season.Step - (window / 4))
            return;
        keptFrom = slow.TimeOf(slow.StepOf(from));
        recent.RemoveAll(one => one.End <= keptFrom);
    }
}

/// <summary>
/// A series in one resolution at a moment. <paramref name="Completed"/> is the number of the last step that is over,
/// <paramref name="LastComplete"/> of the last one of which enough was measured; values are of the steps that are
/// over.
/// </summary>
public sealed record LoadView(Season Season, long? Completed, long? LastComplete, History Maxima, History Means)
{
    /// <summary>Start of a step.</summary>
    public DateTimeOffset TimeOf(long step) => DateTimeOffset.UnixEpoch + (step * Season.Step);
}
