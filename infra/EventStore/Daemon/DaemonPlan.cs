using EventStream.EventStore.Projections;

namespace EventStream.EventStore.Daemon;

/// <summary>
/// What the roles of a process registered: projections with their lifecycle, other subscriptions, and read models in
/// memory.
/// </summary>
public sealed class DaemonPlan
{
    private readonly Dictionary<string, ProjectionLifecycle> lifecycles = new(StringComparer.Ordinal);
    private readonly List<Projection> projections = [];

    /// <summary>The projections, each name once.</summary>
    public IReadOnlyList<Projection> Projections => projections;

    /// <summary>When the rows of a projection are written.</summary>
    public ProjectionLifecycle LifecycleOf(Projection projection) => lifecycles[projection.Name];

    /// <summary>Adds a projection. Throws <see cref="ArgumentException"/> where its name is taken.</summary>
    public DaemonPlan Add(Projection projection, ProjectionLifecycle lifecycle = ProjectionLifecycle.Async)
    {
        if (!lifecycles.TryAdd(projection.Name, lifecycle))
            throw new ArgumentException($"There is a projection '{projection.Name}' already: choose another name.",
                nameof(projection));
        projections.Add(projection);
        return this;
    }
}
