namespace EventStream.Forecasting;

/// <summary>
/// The rhythm of a series. A "day" is <paramref name="Steps"/> steps, whatever a step lasts, so that compressed time
/// (a day of 24 steps of three seconds) and production (288 steps of five minutes) run through the same code.
/// </summary>
/// <param name="Steps">Steps in a day, at least 2.</param>
/// <param name="Step">Duration of a step, used for time stamps only.</param>
public sealed record Season(int Steps, TimeSpan Step)
{
    /// <summary>Days of history that a fit uses at most: five weeks hold the rhythm and forget old regimes.</summary>
    public const int FitDaysMax = 35;

    /// <summary>Weekly parts of a model fitted on fewer days than this diverge.</summary>
    public const int WeeklyDaysMin = 10;

    /// <summary>Steps in a day.</summary>
    public int Day { get; } =
        Steps >= 2
            ? Steps
            : throw new ArgumentOutOfRangeException(nameof(Steps), Steps, "A day has at least two steps.");

    /// <summary>Steps in a week.</summary>
    public int Week => 7 * Day;

    /// <summary>Steps in an hour, a twenty-fourth of the day, at least one.</summary>
    public int Hour => Math.Max(1, Day / 24);

    /// <summary>Whether a history of this many steps may carry weekly parts.</summary>
    public bool AllowsWeekly(int count) => count >= WeeklyDaysMin * Day;

    /// <summary>The smallest spacing from <paramref name="stride"/> on that visits every phase of the day.</summary>
    internal int CoprimeStride(int stride)
    {
        stride = Math.Max(1, stride);
        while (Divisor(stride, Day) != 1)
            stride++;
        return stride;
    }

    private static int Divisor(int a, int b) => b == 0 ? a : Divisor(b, a % b);
}

/// <summary>
/// Evenly spaced values, oldest first, in the unit of the series. <paramref name="FirstStep"/> is the absolute number
/// of the first step, so that the phase of the day stays right when old values are dropped.
/// </summary>
public readonly record struct History(ReadOnlyMemory<double> Values, long FirstStep)
{
    /// <summary>Number of steps.</summary>
    public int Count => Values.Length;

    /// <summary>The values as a span.</summary>
    public ReadOnlySpan<double> Span => Values.Span;

    /// <summary>Absolute number of the last step, the origin of a forecast.</summary>
    public long LastStep => FirstStep + Count - 1;

    /// <summary>The first <paramref name="count"/> steps.</summary>
    public History Prefix(int count) => this with { Values = Values[..count] };

    /// <summary>The last <paramref name="count"/> steps, or all where there are fewer.</summary>
    public History Tail(int count) => count >= Count ? this : new History(Values[^count..], FirstStep + Count - count);

    /// <summary>The same steps with each value mapped.</summary>
    public History Map(Func<double, double> map)
    {
        var mapped = new double[Count];
        var source = Span;
        for (var i = 0; i < mapped.Length; i++)
            mapped[i] = map(source[i]);
        return new History(mapped, FirstStep);
    }
}
