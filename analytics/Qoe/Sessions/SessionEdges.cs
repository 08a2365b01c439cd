using EventStream.Contracts;

namespace EventStream.Qoe.Sessions;

/// <summary>
/// What of a session happened at which edge. Time belongs to the edge that the player loaded from last; requests to
/// the edge whose log has them. What happened before any edge was known belongs to the first.
/// </summary>
internal static class SessionEdges
{
    /// <summary>Edges distinguished in one session; further ones count only in the session's totals.</summary>
    private const int EdgesMax = 16;

    /// <summary>The parts with one of them changed.</summary>
    public static IReadOnlyList<SessionEdge> With(
        IReadOnlyList<SessionEdge> parts,
        string edge,
        string region,
        Func<SessionEdge, SessionEdge> change
    )
    {
        var all = parts.ToList();
        var index = all.FindIndex(part => part.Edge == edge);
        if (index >= 0)
            all[index] = change(all[index]);
        else if (all.Count < EdgesMax)
            all.Add(change(new SessionEdge(edge, region, 0, 0, 0, false, 0, 0, 0)));
        return all;
    }

    /// <summary>Adds what one log held of the session to what is known of it.</summary>
    public static IReadOnlyList<SessionEdge> Plus(IReadOnlyList<SessionEdge> parts, SessionEdge more) =>
        With(parts, more.Edge, more.Region, part => Sum(part, more));

    /// <summary>The parts of the edges that are known, the one that served most first.</summary>
    public static IReadOnlyList<SessionEdge> Of(SessionState state)
    {
        var known = state.Edges.Where(part => part.Edge.Length > 0).ToList();
        if (known.Count > 0 && state.Edges.FirstOrDefault(part => part.Edge.Length == 0) is { } before)
            known[0] = Sum(known[0], before);
        return
        [
            .. known.OrderByDescending(part => part.PlayedMs + part.StallMs).ThenByDescending(part => part.Requests),
        ];
    }

    /// <summary>The session's subject as others see it: with the edge that served most of it.</summary>
    public static SessionSubject Subject(SessionState state) =>
        Of(state) is [var most, ..] ? At(state.Subject, most.Edge, most.Region) : state.Subject;

    /// <summary>A subject at an edge, and in its region where the player named none.</summary>
    public static SessionSubject At(SessionSubject subject, string edge, string region) =>
        subject with
        {
            Edge = edge,
            Region = subject.Region.Length > 0 ? subject.Region : region,
        };

    private static SessionEdge Sum(SessionEdge part, SessionEdge more) =>
        part with
        {
            Region = part.Region.Length > 0 ? part.Region : more.Region,
            PlayedMs = part.PlayedMs + more.PlayedMs,
            StallCount = part.StallCount + more.StallCount,
            StallMs = part.StallMs + more.StallMs,
            Started = part.Started || more.Started,
            Requests = part.Requests + more.Requests,
            Bytes = part.Bytes + more.Bytes,
            RequestErrors = part.RequestErrors + more.RequestErrors,
        };
}
