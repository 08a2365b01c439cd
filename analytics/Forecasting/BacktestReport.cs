using System.Diagnostics;
using System.Globalization;
using EventStream.Forecasting.GradientBoosting;

namespace EventStream.Forecasting;

/// <summary>
/// The command <c>eventstream capacity backtest FILE...</c>: one table of scaled errors, a line a series and horizon.
/// </summary>
public static class BacktestReport
{
    private const int NameWidth = 30;
    private const int ColumnWidth = 12;

    /// <summary>
    /// Runs the protocol of <see cref="Backtest"/> on each file (<c>timestamp,value</c>) and prints MASE a model,
    /// lower is better, then geometric means of the combination as ratios to SSA and to the better seasonal naive.
    /// Returns the exit code: 0, or 1 where a file could not be used; <paramref name="error"/> then says which and
    /// why. <paramref name="seasonSteps"/> is the length of a day in steps, by default 24 hours of the file's step.
    /// </summary>
    public static int Run(
        IEnumerable<string> files,
        TextWriter output,
        TextWriter error,
        int? seasonSteps = null,
        CancellationToken cancellationToken = default
    )
    {
        var cells = new List<BacktestCell>();
        var failures = 0;
        if (LightGbmLibrary.Fault is { } fault)
            error.WriteLine($"capacity backtest: {fault}");
        foreach (var file in files)
        {
            var started = Stopwatch.GetTimestamp();
            try
            {
                var series = TrafficFile.Read(file);
                var season = seasonSteps is { } steps ? new Season(steps, series.Step) : series.Season;
                cells.AddRange(Backtest.Run(series.Name, series.Values, season, cancellationToken));
                var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
                error.WriteLine(Invariant($"{series.Name}: {series.Values.Length} steps, {seconds:0.0} s"));
            }
            catch (Exception e)
                when (e is IOException or UnauthorizedAccessException or FormatException or ArgumentException)
            {
                error.WriteLine($"capacity backtest: {e.Message}");
                failures++;
            }
        }

        if (cells.Count > 0)
            Print(cells, output);
        return failures == 0 ? 0 : 1;
    }

    private static void Print(List<BacktestCell> cells, TextWriter output)
    {
        var models = cells.Select(cell => cell.Model).Distinct().ToList();
        output.WriteLine(
            "series, horizon".PadRight(NameWidth) + string.Concat(models.Select(m => m.PadLeft(ColumnWidth)))
        );
        foreach (var row in cells.GroupBy(cell => $"{cell.Series} {cell.Horizon}"))
        {
            var values = models.Select(model => row.FirstOrDefault(cell => cell.Model == model)?.Mase);
            output.WriteLine(row.Key.PadRight(NameWidth) + string.Concat(values.Select(Cell)));
        }

        output.WriteLine();
        foreach (var horizon in cells.GroupBy(cell => cell.Horizon))
            PrintRatios(horizon.Key, [.. horizon], output);
    }

    private static void PrintRatios(string horizon, List<BacktestCell> cells, TextWriter output)
    {
        var rows = cells.GroupBy(cell => cell.Series).ToList();
        var ssa = rows.Select(row => Of(row, Backtest.Combination) / Of(row, Backtest.Yardstick)).ToList();
        var naive = rows.Select(row =>
                Of(row, Backtest.Combination) / Math.Min(Of(row, "snaive_day"), Of(row, "snaive_week"))
            )
            .ToList();
        output.WriteLine(
            $"{horizon, -4} {rows.Count} series, {Backtest.Combination}"
                + Invariant($" / {Backtest.Yardstick}: geometric mean {Mean(ssa):0.00}, worst {ssa.Max():0.00};")
                + Invariant($" / best seasonal naive: geometric mean {Mean(naive):0.00}, worst {naive.Max():0.00}")
        );
    }

    private static double Of(IEnumerable<BacktestCell> row, string model) =>
        row.FirstOrDefault(cell => cell.Model == model)?.Mase ?? double.PositiveInfinity;

    private static double Mean(List<double> ratios) => Math.Exp(ratios.Average(ratio => Math.Log(ratio)));

    private static string Cell(double? mase) =>
        (mase is { } value ? Invariant($"{value:0.000}") : "-").PadLeft(ColumnWidth);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
