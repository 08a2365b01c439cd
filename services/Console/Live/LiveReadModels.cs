using EventStream.Contracts;

namespace EventStream.Console.Live;

/// <summary>A state for each resource; resources beyond <see cref="ResourcesMax"/> are left out.</summary>
internal abstract class ResourcePart<TState> : LivePart
    where TState : class, new()
{
    private const int ResourcesMax = 32;

    protected SortedDictionary<string, TState> All { get; } = new(StringComparer.Ordinal);

    /// <summary>The state of a resource, or null where it is left out.</summary>
    protected TState? Of(string resource)
    {
        if (!All.TryGetValue(resource, out var state) && All.Count < ResourcesMax)
            All[resource] = state = new TState();
        return state;
    }
}

/// <summary>Load by resource: the newest steps of each.</summary>
internal sealed class LoadPart : ResourcePart<SortedDictionary<DateTimeOffset, LoadMeasured>>
{
    private const int StepsMax = 720;

    protected override bool Take(IMessage message)
    {
        if (message is not LoadMeasured measured || Of(measured.Resource) is not { } series)
            return false;
        series[measured.Time] = measured;
        while (series.Count > StepsMax)
            series.Remove(series.First().Key);
        return true;
    }

    /// <summary>Unit and length of the newest step; each step is its start, its value and its own length.</summary>
    protected override object Picture() =>
        All.ToDictionary(
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
internal sealed class WindowPart : LivePart
{
    private const int WindowsMax = 180;
    private readonly SortedDictionary<DateTimeOffset, SortedDictionary<string, EdgeWindow>> all = [];

    protected override bool Take(IMessage message)
    {
        if (message is not QoeWindowClosed window)
            return false;
        if (!all.TryGetValue(window.WindowStart, out var edges))
            all[window.WindowStart] = edges = new SortedDictionary<string, EdgeWindow>(StringComparer.Ordinal);
        var edge = window.Subject.Edge.Length > 0 ? window.Subject.Edge : "unknown";
        var sum = edges.GetValueOrDefault(edge, new EdgeWindow(window.WindowStart.ToUnixTimeMilliseconds(), edge));
        edges[edge] = sum with
        {
            Sessions = sum.Sessions + window.Sessions,
            Stalls = sum.Stalls + window.StallCount,
            StallMs = sum.StallMs + window.StallMs,
            PlayedMs = sum.PlayedMs + window.PlayedMs,
            Requests = sum.Requests + window.Requests,
            Hits = sum.Hits + window.CacheHits,
            Errors = sum.Errors + window.RequestErrors,
            Bytes = sum.Bytes + window.Bytes,
        };
        while (all.Count > WindowsMax)
            all.Remove(all.First().Key);
        return true;
    }

    protected override object Picture() => all.Values.SelectMany(edges => edges.Values);

    private sealed record EdgeWindow(
        long Time,
        string Edge,
        int Sessions = 0,
        int Stalls = 0,
        double StallMs = 0,
        double PlayedMs = 0,
        long Requests = 0,
        long Hits = 0,
        long Errors = 0,
        long Bytes = 0
    );
}

/// <summary>Sessions that go on, and the newest that ended.</summary>
internal sealed class SessionPart : LivePart
{
    private const int OpenMax = 2000;
    private const int ShownMax = 25;
    private readonly Dictionary<string, SessionUpdated> open = new(StringComparer.Ordinal);
    private readonly Latest<SessionFinished> finished = new(ShownMax, session => session.EndedAt);

    protected override bool Take(IMessage message)
    {
        finished.Apply(message);
        if (message is SessionFinished gone)
            open.Remove(gone.SessionId);
        else if (message is SessionUpdated session)
            open[session.SessionId] = session;
        else
            return false;
        if (open.Count > OpenMax)
            open.Remove(open.Values.MinBy(one => one.LastHeardAt)!.SessionId);
        return true;
    }

    protected override object Picture() =>
        new
        {
            open = open.Count,
            finished = finished.Count,
            latestOpen = open.Values.OrderByDescending(session => session.LastHeardAt).Take(ShownMax),
            latestFinished = finished.Newest,
        };
}

/// <summary>For each resource the newest forecast, and what earlier ones said of steps that are over.</summary>
internal sealed class ForecastPart : ResourcePart<ForecastPart.Entry>
{
    private const int PastMax = 720;

    protected override bool Take(IMessage message)
    {
        if (message is not ForecastPublished forecast || Of(forecast.Resource) is not { } entry)
            return false;
        if (entry.Latest is { } before)
        {
            if (forecast.Origin < before.Origin)
                return false;
            foreach (var step in before.Steps.TakeWhile(step => step.Time < forecast.Origin))
                entry.Past[step.Time] = step;
            while (entry.Past.Count > PastMax)
                entry.Past.Remove(entry.Past.First().Key);
        }

        entry.Latest = forecast;
        return true;
    }

    protected override object Picture() =>
        All.ToDictionary(
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

    internal sealed class Entry
    {
        public ForecastPublished? Latest { get; set; }

        public SortedDictionary<DateTimeOffset, ForecastStep> Past { get; } = [];
    }
}

/// <summary>The newest dead letters, without what was in them.</summary>
internal sealed class DeadLetterPart() : Latest<RecordDeadLettered>(30, letter => letter.At)
{
    protected override object Picture() =>
        new
        {
            count = Count,
            latest = Newest.Select(letter => new
            {
                letter.Topic,
                letter.Type,
                letter.Cause,
                letter.At,
                letter.Group,
            }),
        };
}
