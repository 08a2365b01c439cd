using System.Reflection;
using System.Text.Json.Serialization.Metadata;
using EventStream.EventStore.Relay;
using Marten;

namespace EventStream.EventStore;

/// <summary>
/// What one service keeps, as a table of contents: its aggregates and read models, what of it is relayed where, and
/// the plain tables beside them. Roles and the command <c>eventstream store</c> open the same one.
/// </summary>
/// <param name="Name">The service's name, such as <c>upload</c>; its schema is named so too.</param>
/// <param name="Contents">
/// Adds aggregates (<see cref="MartenSettings.Aggregate{TState,TId}"/>) and read models, which are Marten's
/// projections: <c>store.Projections.Add(new ListProjection(), ProjectionLifecycle.Async)</c>.
/// </param>
public sealed record ServiceStore(string Name, Action<StoreOptions> Contents)
{
    /// <summary>Where each stored message goes on Kafka; null relays nothing.</summary>
    public RelayRoutes? Relay { get; init; }

    /// <summary>Source-generated JSON of the read models' documents.</summary>
    public IJsonTypeInfoResolver? Documents { get; init; }

    /// <summary>The first word of its streams' names in exports and commands, such as <c>video-0190...</c>.</summary>
    public string Category { get; init; } = Name;

    /// <summary>
    /// Whether the relay publishes what <c>eventstream store import</c> reads, where a topic does not hold it yet. Not
    /// where the release that exported it published it under other ids.
    /// </summary>
    public bool RelaysImports { get; init; } = true;

    /// <summary>Numbered SQL files of plain tables, embedded in an assembly below a folder.</summary>
    public (Assembly Assembly, string Folder)? Sql { get; init; }
}
