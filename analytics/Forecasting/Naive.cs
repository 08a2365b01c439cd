namespace EventStream.Forecasting;

/// <summary>
/// The value of one period ago holds. A step ago is hard to beat within minutes and useless within a day; a day or a
/// week ago is the yardstick that every forecast has to beat.
/// </summary>
public sealed class Naive : IForecaster
{
    private readonly Func<Season, int> period;
    private readonly Func<Season, int> minimum;

    private Naive(string name, Func<Season, int> period, Func<Season, int>? minimum = null) =>
        (Name, this.period, this.minimum) = (name, period, minimum ?? period);

    /// <summary>The last value.</summary>
    public static Naive OfStep { get; } = new("persistence", _ => 1);

    /// <summary>The same time yesterday.</summary>
    public static Naive OfDay { get; } = new("snaive_day", season => season.Day);

    /// <summary>The same time a week ago.</summary>
    public static Naive OfWeek { get; } =
        new("snaive_week", season => season.Week, season => Season.WeeklyDaysMin * season.Day);

    public string Name { get; }

    public int MinimumSteps(Season season) => minimum(season);

    public IFittedForecaster Fit(History history, Season season, CancellationToken cancellationToken = default)
    {
        HistoryLength.Require(this, history, season);
        return new Fitted(period(season));
    }

    private sealed class Fitted(int period) : IFittedForecaster
    {
        public double[] Forecast(History history, int horizon)
        {
            var path = new double[horizon];
            var last = history.Span[^period..];
            for (var h = 0; h < horizon; h++)
                path[h] = last[h % period];
            return path;
        }
    }
}
