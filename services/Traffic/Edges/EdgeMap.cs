using EventStream.Contracts;

namespace EventStream.Traffic.Edges;

/// <summary>
/// The one truth about the edges: what probes and viewers said of each. Safe to use from several threads.
/// </summary>
internal sealed class EdgeMap(TrafficOptions options, TimeProvider clock)
{
    // Clocks of this machine and of those that close windows may differ by this much.
    private static readonly TimeSpan AheadMax = TimeSpan.FromSeconds(30);
    private readonly Lock changing = new();
    private readonly Dictionary<string, EdgeState> states = options.Edges.ToDictionary(
        edge => edge.Name,
        edge => new EdgeState(edge)
    );

    /// <summary>The state of every edge, in configured order.</summary>
    public IReadOnlyList<EdgeState> States
    {
        get
        {
            lock (changing)
                return [.. options.Edges.Select(edge => states[edge.Name])];
        }
    }

    /// <summary>What policies see, in configured order.</summary>
    public IReadOnlyList<EdgeView> Views()
    {
        var now = clock.GetUtcNow();
        var all = States;
        var total = all.Sum(state => state.Load(now));
        return
        [
            .. all.Select(state => new EdgeView(
                state.Edge.Name,
                state.Edge.Region,
                state.IsUp,
                state.UpSince,
                state.Health(now, options.QualityHalfLife),
                state.Load(now),
                total > 0 ? state.Load(now) / total : 0
            )),
        ];
    }

    public void Record(string edge, ProbeResult result) =>
        Change(edge, state => state.Probed(result, clock.GetUtcNow(), options.Rise, options.Fall));

    /// <summary>
    /// Takes in a window of quality. One about an edge that is not on the map is passed over, and so is one that ends
    /// in the future: it would not age, and so would count in full until then.
    /// </summary>
    public void Record(QoeWindowClosed window)
    {
        if (window.WindowEnd > clock.GetUtcNow() + AheadMax)
            return;
        Change(window.Subject.Edge, state => state.Viewed(window, options.QualityHalfLife));
    }

    /// <summary>Why viewers cannot be sent anywhere, or null while an edge answers.</summary>
    public string? Trouble()
    {
        var all = States;
        if (all.Any(state => state is { WasProbed: true, IsUp: true }))
            return null;
        return all.All(state => !state.WasProbed)
            ? "no edge has been probed yet"
            : $"no edge answers: {string.Join("; ", all.Select(state =>
                $"{state.Edge.Name} at {state.Edge.Url}: {state.LastProbe?.Error ?? "it is being probed"}"))}";
    }

    private void Change(string edge, Func<EdgeState, EdgeState> change)
    {
        lock (changing)
        {
            if (states.TryGetValue(edge, out var state))
                states[edge] = change(state);
        }
    }
}
