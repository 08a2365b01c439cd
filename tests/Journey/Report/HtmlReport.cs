using System.Net;
using System.Text;

namespace EventStream.Journey.Report;

/// <summary>
/// The report of a journey as one HTML file with charts, without script and without anything fetched.
/// </summary>
public static class HtmlReport
{
    private const string Style = """
        :root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--line:#d9dee5;
        --paper:#fff;--back:#f4f6f9;--accent:#2563eb}
        @media(prefers-color-scheme:dark){:root{--ink:#e7ebf0;--soft:#9aa6b5;--line:#2c3643;
        --paper:#161c25;--back:#0f141b;--accent:#60a5fa}}
        body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,"DejaVu Sans",sans-serif}
        main{max-width:940px;margin:0 auto;padding:32px 20px 60px}
        h1{font-size:26px;margin:0 0 4px}h2{font-size:18px;margin:34px 0 10px}p.lead{color:var(--soft);margin:0 0 20px}
        .cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:12px}
        .card,section>table,svg{background:var(--paper);border:1px solid var(--line);border-radius:10px}
        .card{padding:12px 14px}.card b{display:block;font-size:21px}.card span{color:var(--soft);font-size:13px}
        table{border-collapse:separate;border-spacing:0;width:100%;font-variant-numeric:tabular-nums}
        th,td{padding:7px 12px;text-align:left;border-bottom:1px solid var(--line)}tr:last-child td{border-bottom:0}
        th{color:var(--soft);font-weight:600;font-size:13px}td.n,th.n{text-align:right}
        svg{width:100%;height:auto;padding:8px;box-sizing:border-box;font-size:12px}svg text{fill:var(--soft)}
        svg .grid{stroke:var(--line)}svg .bar{fill:var(--accent)}
        """;

    public static string Write(Facts facts)
    {
        var html = new StringBuilder();
        html.Append(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>EventStream: report of "
                + "a journey</title>"
        );
        html.Append("<meta name=\"viewport\" content=\"width=device-width\"><style>")
            .Append(Style)
            .Append("</style></head><body><main>");
        html.Append("<h1>EventStream: report of a journey</h1><p class=\"lead\">One video, from upload to decision. ");
        html.Append("Figures of viewers, load and latency come from ClickHouse by SQL.</p>");
        Cards(html, facts);
        Section(
            html,
            "Encode: each task, seconds after the upload",
            Svg.Bars(
                "Encode tasks",
                "s after the upload",
                [.. facts.Tasks.Select(t => (t.Task, t.StartedSeconds, t.DoneSeconds, t.Worker))]
            )
        );
        Section(html, "Viewers: what the browser measured beside what the platform says", Viewers(facts));
        Section(
            html,
            "Traffic",
            $"<p>{E(facts.Failover)}</p>" + Table(["Refused", ""], [.. facts.Refusals.Select(r => new[] { r, "" })])
        );
        Section(html, "Viewers forecast and actual", Forecast(facts));
        Section(
            html,
            "Encode worker processes",
            Svg.Lines(
                "Encode workers",
                "s",
                [
                    new Series(
                        "processes running",
                        "#16a34a",
                        [.. facts.Workers.Select(w => (w.Seconds, (double?)w.Processes))],
                        true
                    ),
                ]
            )
        );
        Section(
            html,
            "Decisions",
            Table(
                ["At", "Replicas", "", "Reason"],
                [
                    .. facts.Decisions.Select(d =>
                        new[]
                        {
                            $"{d.Seconds:0} s",
                            $"{d.From} → {d.To}",
                            d.Applied ? "applied" : "not applied",
                            d.Reason,
                        }
                    ),
                ]
            )
        );
        Machine(html, facts);
        return html.Append("</main></body></html>").ToString();
    }

    /// <summary>What the journey took of this machine, its topics and its edges.</summary>
    private static void Machine(StringBuilder html, Facts facts)
    {
        Section(
            html,
            "Memory of the processes, MB (proportional set size)",
            Svg.Bars("Memory", "MB", [.. facts.Idle.Select(p => (p.Name, 0.0, p.PssBytes / 1e6, Memory(facts, p)))])
        );
        Section(
            html,
            "Records per topic",
            Table(["Topic", "Records"], [.. facts.Topics.Select(t => new[] { t.Topic, $"{t.Records:N0}" })], 1)
        );
        Section(
            html,
            "Edges",
            Table(
                ["Edge", "Segment requests", "Hit ratio"],
                [.. facts.Edges.Select(e => new[] { e.Edge, $"{e.Requests:N0}", $"{e.HitRatio * 100:0.0} %" })],
                1
            )
        );
    }

    private static void Cards(StringBuilder html, Facts facts)
    {
        (string Value, string Label)[] cards =
        [
            ($"{facts.UploadMegabytesPerSecond:0.0} MB/s", $"upload, resumed at byte {facts.ResumedOffset:N0}"),
            ($"{facts.FirstRungSeconds:0.0} s", "from upload to the first playable rung"),
            ($"{facts.PublishedSeconds:0.0} s", "from upload to all rungs"),
            ($"{facts.SavedPercent:0} %", "of the standard ladder's bits saved"),
            ($"{facts.BeaconP50Ms:0} / {facts.BeaconP99Ms:0} ms", "beacon to SQL, p50 / p99"),
            ($"{facts.ForecastMape * 100:0} %", $"forecast error; the day before: {facts.NaiveMape * 100:0} %"),
            ($"{facts.Idle.Sum(p => p.PssBytes) / 1e6:0} MB", "memory of the whole platform, idle"),
        ];
        html.Append("<div class=\"cards\">");
        foreach (var (value, label) in cards)
            html.Append($"<div class=\"card\"><b>{E(value)}</b><span>{E(label)}</span></div>");
        html.Append("</div>");
    }

    private static string Viewers(Facts facts)
    {
        static string Pair(double? browser, double? platform) => $"{browser:0} | {platform:0}";
        return Table(
                ["Viewer", "Startup ms", "Stalls", "Stall ms", "Switches", "kbit/s", "End", "Beacons"],
                [
                    .. facts.Viewers.Select(v =>
                        new[]
                        {
                            $"{v.Name} ({v.Player})",
                            Pair(v.Browser.StartupMs, v.Platform?.StartupMs),
                            Pair(v.Browser.Stalls, v.Platform?.Stalls),
                            Pair(v.Browser.StallMs, v.Platform?.StallMs),
                            Pair(v.Browser.Switches, v.Platform?.Switches),
                            Pair(v.Browser.MeanKbps, v.Platform?.MeanKbps),
                            v.Platform?.Status ?? "",
                            $"{v.Platform?.Beacons}",
                        }
                    ),
                ],
                1
            ) + "<p class=\"lead\">Browser | platform. The bitrate is the mean over the time played.</p>";
    }

    private static string Forecast(Facts facts)
    {
        IReadOnlyList<(double X, double? Y)> Of(Func<ForecastPoint, double?> value) =>
            [.. facts.Forecast.Select(p => (p.Seconds, value(p)))];
        var low = new Series("", "#2563eb", Of(p => p.Q50));
        var high = new Series("", "#2563eb", Of(p => p.Q99));
        return Svg.Lines(
            "Forecast and actual",
            "s",
            [
                new Series("actual viewers", "#dc2626", Of(p => p.Actual)),
                new Series("forecast, median", "#2563eb", Of(p => p.Q50)),
                new Series("band up to 99 %", "#93b4f5", Of(p => p.Q99)),
            ],
            (low, high)
        );
    }

    private static string Memory(Facts facts, ProcessFacts idle)
    {
        var busy = facts.Busy.FirstOrDefault(p => p.Name == idle.Name);
        return $"{idle.PssBytes / 1e6:0}, under load {busy?.PssBytes / 1e6:0}";
    }

    private static void Section(StringBuilder html, string title, string body) =>
        html.Append("<section><h2>").Append(E(title)).Append("</h2>").Append(body).Append("</section>");

    private static string Table(string[] head, IReadOnlyList<string[]> rows, int numericFrom = int.MaxValue)
    {
        string Row(string[] cells, string tag) =>
            "<tr>"
            + string.Concat(
                cells.Select((cell, i) => $"<{tag}{(i >= numericFrom ? " class=\"n\"" : "")}>{E(cell)}</{tag}>")
            )
            + "</tr>";
        return $"<table>{Row(head, "th")}{string.Concat(rows.Select(row => Row(row, "td")))}</table>";
    }

    private static string E(string text) => WebUtility.HtmlEncode(text);
}
