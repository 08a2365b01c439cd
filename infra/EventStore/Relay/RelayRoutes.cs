using EventStream.Contracts;

namespace EventStream.EventStore.Relay;

/// <summary>Where one message goes: its topic and its key there.</summary>
public readonly record struct RelayTarget(Topic Topic, string Key);

/// <summary>
/// Which stored messages the relay carries. <paramref name="TargetOf"/> is pure: it gives the same answer for the same
/// message at any time, and null for one that stays in the store.
/// </summary>
/// <param name="Topics">Every topic that a target may name; their ends say how far the relay is.</param>
public sealed record RelayRoutes(IReadOnlyList<Topic> Topics, Func<JasperFx.Events.IEvent, RelayTarget?> TargetOf)
{
    /// <summary>Every message to one topic, keyed by the id of its stream.</summary>
    public static RelayRoutes All(Topic topic) => new([topic], e => new RelayTarget(topic, e.StreamId.ToString("D")));
}
