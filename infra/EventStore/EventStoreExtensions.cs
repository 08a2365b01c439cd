using EventStream.Contracts;

namespace EventStream.EventStore;

/// <summary>What one says often to a store, in one word.</summary>
public static class EventStoreExtensions
{
    /// <summary>
    /// Appends the first events of a stream. Throws <see cref="WrongExpectedVersionException"/> where there is one.
    /// </summary>
    public static Task<AppendResult> StartStreamAsync(
        this IEventStore store, string stream, IEnumerable<IEvent> events, EventMetadata metadata,
        CancellationToken cancellation) =>
        store.AppendAsync(
            stream, ExpectedVersion.NoStream, [.. events.Select(e => new NewEvent(Guid.NewGuid(), e))], metadata,
            cancellation);

    /// <summary>
    /// Live aggregation: folds the events of a range, and nothing else, into a state. Ask for
    /// <see cref="StreamRange.ToVersion"/> or <see cref="StreamRange.ToTime"/> to see it as it was.
    /// </summary>
    public static async Task<Loaded<TState>> AggregateStreamAsync<TState>(
        this IEventStore store, Aggregate<TState> aggregate, string id, StreamRange? range = null,
        CancellationToken cancellation = default)
    {
        var loaded = new Loaded<TState>(aggregate.Initial, 0);
        return await store.FoldAsync(aggregate, id, loaded, range ?? StreamRange.All, cancellation);
    }

    /// <summary>Folds the events of a range onto a state that was folded before.</summary>
    internal static async Task<Loaded<TState>> FoldAsync<TState>(
        this IEventStore store, Aggregate<TState> aggregate, string id, Loaded<TState> onto, StreamRange range,
        CancellationToken cancellation)
    {
        var (state, version) = (onto.State, onto.Version);
        await foreach (var recorded in store.FetchStreamAsync(aggregate.StreamOf(id), range, cancellation))
        {
            state = aggregate.Apply(state, recorded.Data);
            version = recorded.Version;
        }

        return new Loaded<TState>(state, version);
    }
}
