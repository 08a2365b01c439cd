namespace EventStream.Forecasting;

/// <summary>What the direct ridge sees at an origin for a target some steps ahead; nothing after the origin.</summary>
internal sealed class RidgeFeatures
{
    private const int DaysBack = 3;
    private const int MeanDays = 7;
    private const int Harmonics = 4;
    private const int WeeklyHarmonics = 3;
    private const int WeeklyValues = 7;
    private readonly Season season;
    private readonly bool weekly;
    private readonly int[] lags;
    private readonly int[] windows;

    public RidgeFeatures(Season season, bool weekly)
    {
        (this.season, this.weekly) = (season, weekly);
        var hour = season.Hour;
        lags = [.. new[] { 0, 1, 2, 3, 4, 5, 8, 11 }.Where(lag => lag < season.Day)];
        windows = [.. new[] { 2, hour, 3 * hour, 6 * hour, season.Day }.Distinct()];
        Days = weekly ? MeanDays : DaysBack;
        LookBack = weekly ? season.Week : Days * season.Day;
        Count =
            lags.Length
            + windows.Length
            + DaysBack
            + 3
            + (2 * Harmonics)
            + (weekly ? WeeklyValues + (2 * WeeklyHarmonics) : 0);
    }

    /// <summary>Number of features.</summary>
    public int Count { get; }

    /// <summary>Index of the mean of the past days at the time of the target.</summary>
    public int ProfileAt => lags.Length + windows.Length + DaysBack + 2;

    /// <summary>Index of the first calendar term; what comes before it is in the unit of the series.</summary>
    public int CalendarFrom => Count - (2 * Harmonics) - (weekly ? 2 * WeeklyHarmonics : 0);

    /// <summary>Steps before the origin that must be known; what lies further back is used where it is there.</summary>
    public int LookBack { get; }

    private int Days { get; }

    /// <summary>
    /// Running totals, so that a mean over any window costs one subtraction: totals[i] sums the first i values.
    /// </summary>
    public static double[] Totals(ReadOnlySpan<double> values)
    {
        var totals = new double[values.Length + 1];
        for (var i = 0; i < values.Length; i++)
            totals[i + 1] = totals[i] + values[i];
        return totals;
    }

    public void Fill(double[] row, History history, double[] totals, int origin, int h)
    {
        var values = history.Span;
        var at = 0;
        foreach (var lag in lags)
            row[at++] = values[origin - lag];
        foreach (var window in windows)
            row[at++] = Mean(totals, origin - window + 1, origin);
        var day = season.Day;
        var yesterday = origin + h - (day * ((h + day - 1) / day));
        for (var k = 0; k < DaysBack; k++)
            row[at++] = values[Math.Max(0, yesterday - (k * day))];
        row[at++] = Around(totals, yesterday, origin);
        row[at++] = Around(totals, origin - day, origin);
        double sum = 0;
        for (var k = 0; k < Days; k++)
            sum += values[Math.Max(0, yesterday - (k * day))];
        row[at++] = sum / Days;
        if (weekly)
            at = FillWeekly(row, at, values, totals, origin, h);
        FillCalendar(row, at, history.FirstStep + origin + h);
    }

    private int FillWeekly(double[] row, int at, ReadOnlySpan<double> values, double[] totals, int origin, int h)
    {
        var week = season.Week;
        var lastWeek = origin + h - (week * ((h + week - 1) / week));
        row[at++] = values[Math.Max(0, lastWeek)];
        var weekBefore = lastWeek - week >= 0 ? lastWeek - week : Math.Max(0, lastWeek);
        row[at++] = values[weekBefore];
        row[at++] = Around(totals, lastWeek, origin);
        row[at++] = Around(totals, weekBefore, origin);
        row[at++] = values[Math.Max(0, origin - week)];
        row[at++] = Around(totals, origin - week, origin);
        row[at++] = Mean(totals, origin - week + 1, origin);
        return at;
    }

    private void FillCalendar(double[] row, int at, long target)
    {
        FillHarmonics(row.AsSpan(at, 2 * Harmonics), target, season.Day);
        if (weekly)
            FillHarmonics(row.AsSpan(at + (2 * Harmonics)), target, season.Week);
    }

    /// <summary>The sines and cosines of a step, from the frequency of the period up.</summary>
    public static void FillHarmonics(Span<double> row, long step, int period)
    {
        for (var k = 1; k <= row.Length / 2; k++)
            (row[(2 * k) - 2], row[(2 * k) - 1]) = Math.SinCos(2 * Math.PI * k * (step % period) / period);
    }

    /// <summary>Mean of the hour around a step, cut at the origin and at the start of the history.</summary>
    private double Around(double[] totals, int at, int origin)
    {
        var reach = season.Hour / 2;
        return Mean(totals, at - reach, Math.Min(origin, at + reach));
    }

    private static double Mean(double[] totals, int from, int to)
    {
        from = Math.Max(0, from);
        to = Math.Max(from, to);
        return (totals[to + 1] - totals[from]) / (to - from + 1);
    }
}
