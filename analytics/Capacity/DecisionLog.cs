using EventStream.Contracts;

namespace EventStream.Capacity;

/// <summary>The latest decisions, read back from <c>capacity.decisions</c>, so that a restart forgets none.</summary>
public sealed class DecisionLog
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, ScaleDecided> byId = new(StringComparer.Ordinal);
    private readonly Queue<string> order = new();

    /// <summary>Takes a decision; one that is delivered twice counts once.</summary>
    public void Take(string eventId, ScaleDecided decision)
    {
        lock (gate)
        {
            if (!byId.TryAdd(eventId, decision))
                return;
            order.Enqueue(eventId);
            if (order.Count > CapacityOptions.DecisionsMax)
                byId.Remove(order.Dequeue());
        }
    }

    /// <summary>The latest decisions, newest first.</summary>
    public IReadOnlyList<ScaleDecided> Latest(int limit)
    {
        lock (gate)
            return [.. byId.Values.OrderByDescending(decision => decision.Time).Take(limit)];
    }
}
