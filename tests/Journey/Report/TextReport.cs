using System.Text;

namespace EventStream.Journey.Report;

/// <summary>The report of a journey as plain text.</summary>
public static class TextReport
{
    public static string Write(Facts facts)
    {
        var text = new StringBuilder();
        void Title(string title) => text.AppendLine().AppendLine(title).AppendLine(new string('-', title.Length));
        void Line(string line) => text.Append("  ").AppendLine(line);

        Title("Upload and encode");
        Line(
            $"upload          {facts.UploadMegabytesPerSecond:0.0} MB/s, resumed at byte {facts.ResumedOffset:N0} "
                + $"of {facts.SourceBytes:N0}"
        );
        Line($"first rung      playable {facts.FirstRungSeconds:0.0} s after the upload");
        Line($"all rungs       published {facts.PublishedSeconds:0.0} s after the upload");
        Line($"ladder          {facts.LadderWords}");
        foreach (var task in facts.Tasks)
            Line($"  {task.Task, -12} {task.StartedSeconds, 6:0.0} s .. {task.DoneSeconds, 6:0.0} s  {task.Worker}");
        Line($"video.events    {string.Join(", ", facts.Timeline)}");

        Title("Viewers: browser | platform (by SQL)");
        Line($"{"", -16} {"startup ms", 17} {"stalls", 9} {"stall ms", 15} {"switches", 10} {"kbit/s", 13}  end");
        foreach (var (viewer, b, p) in facts.Viewers.Select(v => (v, v.Browser, v.Platform!)))
        {
            Line(
                $"{viewer.Name, -16} {b.StartupMs, 8:0} | {p.StartupMs, 6:0} {b.Stalls, 4} | {p.Stalls, 2} "
                    + $"{b.StallMs, 7:0} | {p.StallMs, 5:0} "
                    + $"{b.Switches, 5} | {p.Switches, 2} {b.MeanKbps, 6:0} | {p.MeanKbps, 4:0}  {p.Status}"
            );
        }

        Title("Traffic");
        Line($"{facts.Failover}");
        foreach (var refusal in facts.Refusals)
            Line($"{refusal}");

        Title("Capacity");
        Line($"load            {facts.Load}");
        Line(
            $"forecast        mean error {facts.ForecastMape * 100:0} % of the mean load; the day before as "
                + $"forecast {facts.NaiveMape * 100:0} %"
        );
        Line($"95 % quantile   {facts.CoverageQ95 * 100:0} % of steps at or below it");
        foreach (var d in facts.Decisions)
            Line($"  {d.Seconds, 6:0} s  {d.From} -> {d.To} {(d.Applied ? "applied" : "not applied")}: {d.Reason}");

        Title("Figures");
        Line($"beacon to SQL   p50 {facts.BeaconP50Ms:0} ms, p99 {facts.BeaconP99Ms:0} ms");
        foreach (var (edge, requests, ratio) in facts.Edges)
            Line($"{edge, -15} {requests:N0} segment requests, {ratio * 100:0.0} % hits");
        Line($"records         {string.Join(", ", facts.Topics.Select(t => $"{t.Topic} {t.Records:N0}"))}");
        Memory(facts, Line);
        Line($"whole journey   {facts.Total:mm\\:ss}");
        return text.ToString();
    }

    private static void Memory(Facts facts, Action<string> line)
    {
        line(
            $"memory, MB      idle {facts.Idle.Sum(p => p.PssBytes) / 1e6:0} in all (proportional), under load "
                + $"{facts.Busy.Sum(p => p.PssBytes) / 1e6:0}"
        );
        foreach (var process in facts.Idle)
        {
            var busy = facts.Busy.FirstOrDefault(p => p.Name == process.Name);
            line(
                $"  {process.Name, -18} {process.PssBytes / 1e6, 6:0} idle {busy?.PssBytes / 1e6, 6:0} loaded  "
                    + $"{string.Join(" ", process.Roles)}"
            );
        }
    }
}
