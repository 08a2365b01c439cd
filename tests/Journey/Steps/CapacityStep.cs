using System.Globalization;
using System.Text.Json;
using EventStream.Cli.Load;

namespace EventStream.Journey.Steps;

/// <summary>
/// A crowd follows a daily curve in compressed time. The load goes through edge, collector and topology to the
/// forecaster; its quantiles move the autoscaler, which starts and stops encode worker processes. What is counted
/// here are processes.
/// </summary>
public static class CapacityStep
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    public static async Task RunAsync(Platform platform, Facts facts, Show show, CancellationToken cancellation)
    {
        var options = new LoadOptions
        {
            VideoId = facts.VideoId,
            PlaybackUrl = platform.Url("playback"),
            ViewersPeak = platform.Options.Viewers,
            Day = TimeSpan.FromSeconds(platform.Options.DaySeconds),
            Days = platform.Options.Days,
        };
        options.Validate();
        var workers = new List<WorkerSample>();
        var report = await new LoadRun(options, TimeProvider.System).RunAsync(
            (sample, counters) =>
            {
                workers.Add(new WorkerSample(sample.Seconds, RunningWorkers(platform)));
                show.Live(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"day {1 + (sample.Seconds / platform.Options.DaySeconds):0.0}: {sample.Present} viewers, "
                            + $"{workers[^1].Processes} encode workers, {counters.Sessions} sessions, "
                            + $"{counters.Errors} errors"
                    )
                );
            },
            cancellation
        );
        facts.Workers = workers;
        facts.Busy = await platform.ProcessesAsync(cancellation);
        facts.Load = string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Sessions:N0} sessions, {report.Segments:N0} segments, {report.Bytes / 1e6:N0} MB, "
                + $"{report.Beacons:N0} beacons, {report.Errors} errors"
        );
        show.Line(facts.Load);
        if (report.Errors > report.Segments / 100)
            throw new JourneyException($"load: {report.Errors} errors, the last: {report.LastError}");
        await DecisionsAsync(platform, facts, cancellation);
        await ForecastAsync(platform, facts, show, cancellation);
    }

    /// <summary>
    /// Worker processes on this machine, counted in the process table and not from what anybody says.
    /// </summary>
    private static int RunningWorkers(Platform platform)
    {
        var port = platform.Options.BasePort;
        return Directory
            .EnumerateDirectories("/proc")
            .Count(folder =>
            {
                try
                {
                    return File.ReadAllText(Path.Combine(folder, "cmdline"))
                            .Contains("encode-worker", StringComparison.Ordinal)
                        && File.ReadAllText(Path.Combine(folder, "comm"))
                            .StartsWith("eventstream", StringComparison.Ordinal)
                        && File.ReadAllText(Path.Combine(folder, "environ"))
                            .Contains($"EVENTSTREAM__URLS__CONSOLE=http://127.0.0.1:{port}", StringComparison.Ordinal);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    return false;
                }
            });
    }

    private static async Task DecisionsAsync(Platform platform, Facts facts, CancellationToken cancellation)
    {
        var sql = new Sql(platform);
        const string changes = """
            SELECT dateDiff('millisecond', (SELECT min(time) FROM es.load WHERE resource = 'viewers'),
                time) / 1000 AS seconds,
              current_replicas, desired_replicas, applied, reason
            FROM es.decisions WHERE kind = 'scale' AND current_replicas != desired_replicas ORDER BY time
            """;
        IReadOnlyList<JsonElement> rows = [];
        await Wait.UntilAsync(
            "scaling decisions are in ClickHouse",
            Timeout,
            cancellation,
            async () => (rows = await sql.RowsAsync(changes, cancellation)).Count > 1
        );
        facts.Decisions =
        [
            .. rows.Select(row => new DecisionFacts(
                Sql.Number(row, "seconds") ?? 0,
                (int)(Sql.Number(row, "current_replicas") ?? 0),
                (int)(Sql.Number(row, "desired_replicas") ?? 0),
                Sql.Text(row, "applied") is "true" or "True" or "1",
                Sql.Text(row, "reason")
            )),
        ];
        var counts = facts.Workers.Select(sample => sample.Processes).Distinct().ToList();
        if (
            counts.Count < 2
            || !facts.Decisions.Any(d => d.Applied && d.To > d.From)
            || !facts.Decisions.Any(d => d.Applied && d.To < d.From)
        )
        {
            throw new JourneyException(
                "capacity: encode workers were not both started and stopped; processes seen: "
                    + string.Join(", ", counts)
            );
        }
    }

    private static async Task ForecastAsync(Platform platform, Facts facts, Show show, CancellationToken cancellation)
    {
        var sql = new Sql(platform);
        var rows = await sql.RowsAsync(
            """
            SELECT dateDiff('millisecond', (SELECT min(time) FROM es.load WHERE resource = 'viewers'),
                time) / 1000 AS seconds,
              actual, q50, q95, q99
            FROM es.forecast_actual WHERE resource = 'viewers' ORDER BY time
            """,
            cancellation
        );
        var actuals = (
            await sql.RowsAsync(
                """
                SELECT dateDiff('millisecond', (SELECT min(time) FROM es.load WHERE resource = 'viewers'),
                    time) / 1000 AS seconds,
                  any(coalesce(peak, value)) AS value FROM es.load WHERE resource = 'viewers'
                GROUP BY time ORDER BY time
                """,
                cancellation
            )
        ).ToDictionary(row => Sql.Number(row, "seconds")!.Value, row => Sql.Number(row, "value")!.Value);
        var forecasts = rows.ToDictionary(row => Sql.Number(row, "seconds")!.Value);
        facts.Forecast =
        [
            .. actuals.Select(pair =>
                forecasts.TryGetValue(pair.Key, out var row)
                    ? new ForecastPoint(
                        pair.Key,
                        pair.Value,
                        Sql.Number(row, "q50"),
                        Sql.Number(row, "q95"),
                        Sql.Number(row, "q99")
                    )
                    : new ForecastPoint(pair.Key, pair.Value, null, null, null)
            ),
        ];
        Judge(platform, facts, actuals);
        show.Line(
            string.Create(
                CultureInfo.InvariantCulture,
                $"forecast of viewers after the first day: mean error {facts.ForecastMape * 100:0} % of the mean load, "
                    + $"the day before as forecast {facts.NaiveMape * 100:0} %; {facts.CoverageQ95 * 100:0} % of steps "
                    + $"at or below the 95 % quantile"
            )
        );
    }

    /// <summary>Compares with the simplest forecast there is, the same step a day earlier, on the same steps.</summary>
    private static void Judge(Platform platform, Facts facts, Dictionary<double, double> actuals)
    {
        var day = platform.Options.DaySeconds;
        var judged = facts
            .Forecast.Where(p => p.Q50 is not null && p.Seconds >= day)
            .Select(p => (Point: p, Naive: actuals.FirstOrDefault(a => Math.Abs(a.Key - (p.Seconds - day)) < 0.5)))
            .Where(pair => pair.Naive.Key > 0 || pair.Naive.Value > 0)
            .ToList();
        if (judged.Count == 0)
            throw new JourneyException("capacity: no forecast could be compared with what came");
        var mean = judged.Average(pair => pair.Point.Actual!.Value);
        facts.ForecastMape = judged.Average(pair => Math.Abs(pair.Point.Q50!.Value - pair.Point.Actual!.Value)) / mean;
        facts.NaiveMape = judged.Average(pair => Math.Abs(pair.Naive.Value - pair.Point.Actual!.Value)) / mean;
        facts.CoverageQ95 = judged.Average(pair => pair.Point.Actual <= pair.Point.Q95 ? 1.0 : 0.0);
    }
}
