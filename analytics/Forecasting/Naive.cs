namespace EventStream.Forecasting;

/// <summary>The last value holds. Hard to beat within minutes, useless within a day.</summary>
public sealed class Persistence : IForecaster
{
    public string Name => "persistence";

    public int MinimumSteps(Season season) => 1;

    public IFittedForecaster Fit(History history, Season season, CancellationToken cancellationToken = default)
    {
        HistoryLength.Require(this, history, season);
        return new Fitted();
    }

    private sealed class Fitted : IFittedForecaster
    {
        public double[] Forecast(History history, int horizon)
        {
            var path = new double[horizon];
            Array.Fill(path, history.Span[^1]);
            return path;
        }
    }
}

/// <summary>The value of one period ago holds: the yardstick that every forecast has to beat.</summary>
public sealed class SeasonalNaive : IForecaster
{
    private readonly bool weekly;

    private SeasonalNaive(bool weekly) => this.weekly = weekly;

    /// <summary>The same time yesterday.</summary>
    public static SeasonalNaive OfDay { get; } = new(false);

    /// <summary>The same time a week ago.</summary>
    public static SeasonalNaive OfWeek { get; } = new(true);

    public string Name => weekly ? "snaive_week" : "snaive_day";

    public int MinimumSteps(Season season) => weekly ? Season.WeeklyDaysMin * season.Day : season.Day;

    public IFittedForecaster Fit(History history, Season season, CancellationToken cancellationToken = default)
    {
        HistoryLength.Require(this, history, season);
        return new Fitted(weekly ? season.Week : season.Day);
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
