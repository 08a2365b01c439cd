using System.Text.Json.Serialization.Metadata;
using EventStream.Contracts;

namespace EventStream.EventStore;

/// <summary>
/// What makes events a state: the category of its streams, the state before the first event, and the pure fold.
/// Declare one static instance per aggregate, beside its record.
/// </summary>
public sealed record Aggregate<TState>(string Category, TState Initial, Func<TState, IEvent, TState> Apply)
{
    /// <summary>Whether folds are kept beside the stream. Only long streams gain by it.</summary>
    public SnapshotPolicy<TState>? Snapshots { get; init; }

    /// <summary>The stream of one of them: <c>category-id</c>.</summary>
    public string StreamOf(string id) => $"{Category}-{id}";
}

/// <summary>
/// Keeps a fold whenever a stream has grown by <paramref name="Every"/> events. <paramref name="Shape"/> names the JSON
/// of the state: change it when the state or its fold changes, and what was kept before is passed over. It pays where
/// reading and folding so many events costs more than another round trip, from some hundred events on.
/// </summary>
public sealed record SnapshotPolicy<TState>(string Shape, int Every, JsonTypeInfo<TState> Json)
{
    /// <summary>Whether an append that led from one version to another passed a multiple of the interval.</summary>
    public bool IsDue(long from, long to) => to / Every > from / Every;
}

/// <summary>A state and the version it was folded from; 0 where there is no stream.</summary>
public sealed record Loaded<TState>(TState State, long Version)
{
    public bool Exists => Version > 0;
}

/// <summary>
/// What a decision led to: the state and version after it, and the events that it appended (none when it changed
/// nothing).
/// </summary>
public sealed record Decided<TState>(TState State, long Version, IReadOnlyList<IMessage> Events);
