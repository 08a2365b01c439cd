using EventStream.Contracts;
using EventStream.Streams.State;

namespace EventStream.Qoe.Sessions;

/// <summary>
/// The lines of edges' logs that name a session. A line may come before the session's first report, because reports
/// travel in batches: a bounded number of sessions is remembered until then.
/// </summary>
internal sealed class SessionRequests(
    TypedKeyValueStore<string, SessionState> sessions,
    TypedKeyValueStore<string, WaitingRequests> waiting,
    QoeOptions options
)
{
    /// <summary>Sessions of a partition whose lines wait; lines of further ones are left out.</summary>
    public const int WaitingMax = 2000;

    /// <summary>
    /// An answer of 5xx, time-outs among them, speaks against the edge. Of the others the request was to blame, or
    /// the viewer left (nginx's 499).
    /// </summary>
    public static bool IsError(int status) => status is >= 500 and <= 599;

    /// <summary>Adds a line to its session.</summary>
    public void Add(CdnRequestServed request, DateTimeOffset at)
    {
        if (request.SessionId is not { Length: > 0 } id || request.Edge.Length == 0)
            return;
        var line = new SessionEdge(
            request.Edge,
            options.RegionOf(request.Edge) ?? request.Region,
            PlayedMs: 0,
            StallCount: 0,
            StallMs: 0,
            Started: false,
            Requests: 1,
            request.Bytes,
            IsError(request.Status) ? 1 : 0
        );
        if (sessions.TryGet(id, out var state))
        {
            var edges = SessionEdges.Plus(state.Edges, line);
            sessions.Put(id, state with { Edges = edges, LogEdge = line.Edge, Changed = true });
        }
        else if (waiting.TryGet(id, out var lines))
            waiting.Put(id, lines with { Edges = SessionEdges.Plus(lines.Edges, line) });
        else if (waiting.Count < WaitingMax)
            waiting.Put(id, new WaitingRequests(at, [line]));
    }

    /// <summary>A session at its first report, with the lines that came before.</summary>
    public SessionState Begin(SessionState state)
    {
        if (!waiting.TryGet(state.SessionId, out var lines))
            return state;
        waiting.Delete(state.SessionId);
        return state with { Edges = lines.Edges, LogEdge = lines.Edges[^1].Edge };
    }

    /// <summary>Forgets lines whose session has not shown itself.</summary>
    public void Forget(DateTimeOffset streamTime)
    {
        foreach (var (id, lines) in waiting.Entries.ToList())
        {
            if (streamTime - lines.Since > options.SessionTimeout)
                waiting.Delete(id);
        }
    }
}

/// <summary>Lines of a session that is not known yet, by edge, and when the first was written.</summary>
public sealed record WaitingRequests(DateTimeOffset Since, IReadOnlyList<SessionEdge> Edges);
