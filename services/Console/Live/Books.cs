using EventStream.Contracts;

namespace EventStream.Console.Live;

/// <summary>Load by resource: the newest steps of each.</summary>
internal sealed class LoadSeriesBook
{
    private const int ResourcesMax = 32;
    private const int StepsMax = 720;
    private readonly SortedDictionary<string, SortedDictionary<DateTimeOffset, LoadMeasured>> all = new(
        StringComparer.Ordinal
    );

    public void Take(LoadMeasured measured)
    {
        if (!all.TryGetValue(measured.Resource, out var series))
        {
            if (all.Count == ResourcesMax)
                return;
            all[measured.Resource] = series = [];
        }

        series[measured.Time] = measured;
        while (series.Count > StepsMax)
            series.Remove(series.First().Key);
    }

    /// <summary>Unit and length of the newest step; each step is its start, its value and its own length.</summary>
    public object Picture() =>
        all.ToDictionary(
            pair => pair.Key,
            pair => new
            {
                pair.Value.Last().Value.Unit,
                pair.Value.Last().Value.StepSeconds,
                steps = pair.Value.Values.Select(step =>
                    new object[] { step.Time.ToUnixTimeMilliseconds(), step.Value, step.StepSeconds }
                ),
            }
        );
}

/// <summary>
/// Ten-second windows added up over videos, regions and devices: one figure for each edge and window.
/// </summary>
internal sealed class WindowBook
{
    private const int WindowsMax = 180;
    private readonly SortedDictionary<DateTimeOffset, SortedDictionary<string, Sum>> all = [];

    public void Take(QoeWindowClosed window)
    {
        if (!all.TryGetValue(window.WindowStart, out var edges))
            all[window.WindowStart] = edges = new SortedDictionary<string, Sum>(StringComparer.Ordinal);
        var edge = window.Subject.Edge.Length > 0 ? window.Subject.Edge : "unknown";
        edges[edge] = edges.GetValueOrDefault(edge, new Sum()).Plus(window);
        while (all.Count > WindowsMax)
            all.Remove(all.First().Key);
    }

    public object Picture() =>
        all.SelectMany(window =>
            window.Value.Select(edge => new
            {
                time = window.Key.ToUnixTimeMilliseconds(),
                edge = edge.Key,
                edge.Value.Sessions,
                edge.Value.Stalls,
                edge.Value.StallMs,
                edge.Value.PlayedMs,
                edge.Value.Requests,
                edge.Value.Hits,
                edge.Value.Errors,
                edge.Value.Bytes,
            })
        );

    private readonly record struct Sum(
        int Sessions,
        int Stalls,
        double StallMs,
        double PlayedMs,
        long Requests,
        long Hits,
        long Errors,
        long Bytes
    )
    {
        public Sum Plus(QoeWindowClosed window) =>
            new(
                Sessions + window.Sessions,
                Stalls + window.StallCount,
                StallMs + window.StallMs,
                PlayedMs + window.PlayedMs,
                Requests + window.Requests,
                Hits + window.CacheHits,
                Errors + window.RequestErrors,
                Bytes + window.Bytes
            );
    }
}

/// <summary>Sessions that go on, and the newest that ended.</summary>
internal sealed class SessionBook
{
    private const int OpenMax = 2000;
    private const int ShownMax = 25;
    private readonly Dictionary<string, SessionUpdated> open = new(StringComparer.Ordinal);
    private readonly Latest<SessionFinished> finished = new(ShownMax);

    public void Take(SessionUpdated session)
    {
        open[session.SessionId] = session;
        if (open.Count > OpenMax)
            open.Remove(open.Values.MinBy(one => one.LastHeardAt)!.SessionId);
    }

    public void Take(SessionFinished session)
    {
        open.Remove(session.SessionId);
        finished.Add(session);
    }

    public object Picture() =>
        new
        {
            open = open.Count,
            finished = finished.Count,
            latestOpen = open.Values.OrderByDescending(session => session.LastHeardAt).Take(ShownMax),
            latestFinished = finished.Newest(session => session.EndedAt),
        };
}

/// <summary>For each resource the newest forecast, and what earlier ones said of steps that are over.</summary>
internal sealed class ForecastBook
{
    private const int ResourcesMax = 32;
    private const int PastMax = 720;
    private readonly SortedDictionary<string, Entry> all = new(StringComparer.Ordinal);

    public void Take(ForecastPublished forecast)
    {
        if (!all.TryGetValue(forecast.Resource, out var entry))
        {
            if (all.Count == ResourcesMax)
                return;
            all[forecast.Resource] = entry = new Entry();
        }

        if (entry.Latest is { } before)
        {
            if (forecast.Origin < before.Origin)
                return;
            foreach (var step in before.Steps.TakeWhile(step => step.Time < forecast.Origin))
                entry.Past[step.Time] = step;
            while (entry.Past.Count > PastMax)
                entry.Past.Remove(entry.Past.First().Key);
        }

        entry.Latest = forecast;
    }

    public object Picture() =>
        all.ToDictionary(
            pair => pair.Key,
            pair => new
            {
                pair.Value.Latest!.Model,
                pair.Value.Latest.Origin,
                pair.Value.Latest.StepSeconds,
                pair.Value.Latest.Weights,
                steps = pair
                    .Value.Past.Values.Concat(pair.Value.Latest.Steps)
                    .Select(step =>
                        new[] { step.Time.ToUnixTimeMilliseconds(), step.Q50, step.Q90, step.Q95, step.Q99 }
                    ),
            }
        );

    private sealed class Entry
    {
        public ForecastPublished? Latest { get; set; }

        public SortedDictionary<DateTimeOffset, ForecastStep> Past { get; } = [];
    }
}
