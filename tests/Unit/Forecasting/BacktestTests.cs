using EventStream.Forecasting;
using EventStream.Tests.Kit;

namespace EventStream.Unit.Tests.Forecasting;

public class BacktestTests
{
    private static readonly Season Hourly = new(24, TimeSpan.FromHours(1));

    [Fact]
    public void The_combination_beats_both_naive_forecasts_on_a_weekly_curve()
    {
        var series = SyntheticLoad.Series(Hourly, 42 * 24, SyntheticLoad.Weekly, noise: 0.5);
        var cells = Backtest.Run("weekly", series.Values.ToArray(), Hourly);
        foreach (var horizon in new[] { "1h", "6h", "24h" })
        {
            double Mase(string model) => cells.Single(c => c.Model == model && c.Horizon == horizon).Mase;
            Assert.True(Mase("comb_w") < 0.9 * Math.Min(Mase("snaive_day"), Mase("snaive_week")), horizon);
        }
    }

    [Fact]
    public void No_model_sees_what_comes_after_its_origin()
    {
        var series = SyntheticLoad.Series(Hourly, 30 * 24, SyntheticLoad.Daily, noise: 0.5);
        var changed = series.Values.ToArray();
        const int Origin = 25 * 24;
        for (var t = Origin; t < changed.Length; t++)
            changed[t] = 0;
        var fit = new CombinedForecaster().Fit(series.Prefix(Origin), Hourly);
        var other = new CombinedForecaster().Fit(new History(changed, 0).Prefix(Origin), Hourly);
        Assert.Equal(
            fit.Predict(series.Prefix(Origin), 24).Steps,
            other.Predict(new History(changed, 0).Prefix(Origin), 24).Steps
        );
    }

    [Fact]
    public void The_command_prints_a_line_a_series_and_horizon_and_names_what_it_cannot_read()
    {
        using var folder = new TemporaryFolder();
        var good = folder.Write("good.csv", Rows(40 * 24));
        var bad = folder.Write("bad.csv", "timestamp,value\n2020-01-01T00:00:00Z,one\n");
        using StringWriter output = new(),
            error = new();
        var code = BacktestReport.Run([good, bad, "absent.csv"], output, error);
        Assert.Equal(1, code);
        var lines = output.ToString().Split('\n');
        Assert.Contains("comb_w", lines[0]);
        Assert.Contains(lines, line => line.StartsWith("good 24h", StringComparison.Ordinal));
        Assert.Contains("bad.csv line 2", error.ToString());
        Assert.Contains("absent.csv", error.ToString());
    }

    [Fact]
    public void A_gap_in_a_file_is_filled_from_a_week_earlier()
    {
        using var folder = new TemporaryFolder();
        var rows = Rows(15 * 24).Split('\n').ToList();
        rows.RemoveAt(1 + (10 * 24));
        var series = TrafficFile.Read(folder.Write("gap.csv", string.Join('\n', rows)));
        Assert.Equal(15 * 24, series.Values.Length);
        Assert.Equal(series.Values[3 * 24], series.Values[10 * 24]);
        Assert.Equal(24, series.Season.Day);
    }

    [SharedTrafficTheory]
    [InlineData("isp_eu_5m", "24h", 0.95)]
    [InlineData("nyc_taxi_30m", "24h", 0.70)]
    [InlineData("m4_h369_1h", "1h", 0.60)]
    public void On_real_traffic_the_combination_beats_ssa(string name, string horizon, double ratio)
    {
        var series = TrafficFile.Read(Path.Combine(SharedTrafficTheoryAttribute.Folder, $"{name}.csv"));
        var cells = Backtest.Run(series.Name, series.Values, series.Season);
        double Mase(string model) => cells.Single(c => c.Model == model && c.Horizon == horizon).Mase;
        Assert.True(Mase("comb_w") < ratio * Mase(Backtest.Yardstick));
        Assert.True(Mase("comb_w") < 1.1 * Math.Min(Mase("snaive_day"), Mase("snaive_week")));
    }

    private static string Rows(int count)
    {
        var series = SyntheticLoad.Series(Hourly, count, SyntheticLoad.Daily, noise: 0.5);
        var start = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var rows = Enumerable
            .Range(0, count)
            .Select(i => $"{start.AddHours(i):yyyy-MM-ddTHH:mm:ssZ},{series.Span[i]:R}");
        return "timestamp,value\n" + string.Join('\n', rows);
    }

    private sealed class TemporaryFolder : IDisposable
    {
        private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("eventstream-capacity-");

        public string Write(string name, string text)
        {
            var path = Path.Combine(folder.FullName, name);
            File.WriteAllText(path, text);
            return path;
        }

        public void Dispose() => folder.Delete(recursive: true);
    }
}

/// <summary>Runs where the real series lie beside the checkout, and is skipped, saying so, where they do not.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SharedTrafficTheoryAttribute : TheoryAttribute
{
    public SharedTrafficTheoryAttribute()
    {
        if (Directory.Exists(Folder))
            return;
        Skip = "The real traffic series are not beside the checkout (../shared/data/traffic).";
    }

    public static string Folder { get; } = Path.Combine(Checkout.Root, "..", "shared", "data", "traffic");
}
