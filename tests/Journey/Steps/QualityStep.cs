using System.Globalization;
using System.Text.Json;

namespace EventStream.Journey.Steps;

/// <summary>
/// Asks ClickHouse what the platform knows of each viewer, and holds it beside what the browser measured.
/// </summary>
public static class QualityStep
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    public static async Task RunAsync(Platform platform, Facts facts, Show show, CancellationToken cancellation)
    {
        var sql = new Sql(platform);
        foreach (var viewer in facts.Viewers.Where(viewer => viewer.Platform is null))
        {
            var id = viewer.Browser.SessionId;
            if (!Guid.TryParse(id, out _))
                throw new JourneyException($"play: '{id}' of the {viewer.Name} is no session id");
            JsonElement row = default;
            await Wait.UntilAsync(
                $"the session of the {viewer.Name} is finished in ClickHouse",
                Timeout,
                cancellation,
                async () =>
                {
                    var rows = await sql.RowsAsync(
                        $"SELECT * FROM es.sessions WHERE session_id = '{id}' ORDER BY ended_at DESC LIMIT 1",
                        cancellation
                    );
                    if (rows.Count > 0)
                        row = rows[0];
                    return rows.Count > 0;
                }
            );
            viewer.Platform = await ReadAsync(sql, id, row, cancellation);
            Check(viewer);
            show.Line(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{viewer.Name}: startup {Viewer.Words(viewer.Browser.StartupMs, "ms")} in the browser, "
                        + $"{Viewer.Words(viewer.Platform.StartupMs, "ms")} by SQL; stalls {viewer.Browser.Stalls} / "
                        + $"{viewer.Platform.Stalls}; "
                        + $"switches {viewer.Browser.Switches} / {viewer.Platform.Switches}; {viewer.Platform.Beacons} "
                        + $"beacons, {viewer.Platform.EdgeRequests} edge log lines"
                )
            );
        }
    }

    private static async Task<PlatformFacts> ReadAsync(
        Sql sql,
        string id,
        JsonElement row,
        CancellationToken cancellation
    )
    {
        var requests = 0.0;
        await Wait.UntilAsync(
            "the edge's log lines of the session are in ClickHouse",
            Timeout,
            cancellation,
            async () =>
                (
                    requests = await sql.NumberAsync(
                        $"SELECT count() FROM es.requests WHERE session_id = '{id}'",
                        cancellation
                    )
                ) > 0
        );
        var beacons = await sql.NumberAsync($"SELECT count() FROM es.beacons WHERE session_id = '{id}'", cancellation);
        return new PlatformFacts(
            Sql.Number(row, "startup_ms"),
            (int)(Sql.Number(row, "stall_count") ?? 0),
            Sql.Number(row, "stall_ms") ?? 0,
            (int)(Sql.Number(row, "switch_count") ?? 0),
            Sql.Number(row, "average_bitrate_kbps"),
            Sql.Number(row, "played_ms") ?? 0,
            Sql.Text(row, "end_reason"),
            Sql.Text(row, "edge"),
            (int)beacons,
            (int)requests
        );
    }

    /// <summary>
    /// The two measurements are taken by different clocks at different places; they must still tell one story.
    /// </summary>
    private static void Check(ViewerFacts viewer)
    {
        var (browser, platform) = (viewer.Browser, viewer.Platform!);
        if (platform.StartupMs is null)
            throw new JourneyException($"QoE: the {viewer.Name} has no startup time in ClickHouse");
        if (Math.Abs(platform.StartupMs.Value - (browser.StartupMs ?? 0)) > 1000)
            throw new JourneyException(
                $"QoE: startup of the {viewer.Name} is {platform.StartupMs:0} ms by SQL, "
                    + $"{browser.StartupMs:0} ms in the browser"
            );
        if (Math.Abs(platform.PlayedMs - (browser.PositionSeconds * 1000)) > 5000)
            throw new JourneyException(
                $"QoE: the {viewer.Name} played {platform.PlayedMs:0} ms by SQL, "
                    + $"{browser.PositionSeconds:0.0} s in the browser"
            );
    }

    /// <summary>Figures over the whole run, by SQL.</summary>
    public static async Task TotalsAsync(Platform platform, Facts facts, CancellationToken cancellation)
    {
        var sql = new Sql(platform);
        var latency = (
            await sql.RowsAsync(
                """
                SELECT quantile(0.5)(dateDiff('millisecond', received_at, stored_at)) AS p50,
                  quantile(0.99)(dateDiff('millisecond', received_at, stored_at)) AS p99 FROM es.beacons
                """,
                cancellation
            )
        ).Single();
        (facts.BeaconP50Ms, facts.BeaconP99Ms) = (Sql.Number(latency, "p50") ?? 0, Sql.Number(latency, "p99") ?? 0);
        facts.Edges =
        [
            .. (
                await sql.RowsAsync(
                    """
                    SELECT edge, count() AS requests, countIf(cache_status = 'HIT') / count() AS ratio FROM es.requests
                    WHERE path LIKE '%.m4s' AND status < 400 GROUP BY edge ORDER BY edge
                    """,
                    cancellation
                )
            ).Select(row => (Sql.Text(row, "edge"), Sql.Number(row, "requests") ?? 0, Sql.Number(row, "ratio") ?? 0)),
        ];
        facts.Topics = TopicReader.Count(platform);
    }
}
