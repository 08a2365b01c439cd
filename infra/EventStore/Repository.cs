using EventStream.Contracts;

namespace EventStream.EventStore;

/// <summary>
/// What makes events a state: the category of its streams, the state before the first event, and the pure fold.
/// Declare one static instance per aggregate, beside its record.
/// </summary>
public sealed record Aggregate<TState>(string Category, TState Initial, Func<TState, IEvent, TState> Apply)
{
    /// <summary>The stream of one of them: <c>category-id</c>.</summary>
    public string StreamOf(string id) => $"{Category}-{id}";
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
public sealed record Decided<TState>(TState State, long Version, IReadOnlyList<IEvent> Events);

/// <summary>
/// Load, fold, decide, append: the way every aggregate is written. When another writer came first, the decision is
/// taken again on the new state, at most <see cref="AttemptsMax"/> times.
/// </summary>
public sealed class Repository<TState>(IEventStore store, Aggregate<TState> aggregate)
{
    /// <summary>
    /// Losing so often in a row means that many writers fight for one stream; waiting longer would hide that.
    /// </summary>
    public const int AttemptsMax = 8;

    /// <summary>The state of one aggregate now, or as of a version.</summary>
    public async Task<Loaded<TState>> LoadAsync(
        string id, CancellationToken cancellation, long asOfVersion = long.MaxValue)
    {
        var state = aggregate.Initial;
        var version = 0L;
        await foreach (var recorded in store.ReadStreamAsync(aggregate.StreamOf(id), 1, cancellation))
        {
            if (recorded.Version > asOfVersion) break;
            state = aggregate.Apply(state, recorded.Data);
            version = recorded.Version;
        }

        return new Loaded<TState>(state, version);
    }

    /// <summary>
    /// Takes a decision and appends the events that it returns; it may throw to refuse, and return none to change
    /// nothing. With a
    /// <paramref name="commandId"/> the event ids follow from it, so that the same command appended twice is stored
    /// once. Throws <see cref="ContendedStreamException"/> when every attempt lost.
    /// </summary>
    public async Task<Decided<TState>> DecideAsync(
        string id, Func<TState, IEnumerable<IEvent>> decide, EventMetadata metadata, CancellationToken cancellation,
        Guid? commandId = null)
    {
        var stream = aggregate.StreamOf(id);
        for (var attempt = 1; attempt <= AttemptsMax; attempt++)
        {
            var loaded = await LoadAsync(id, cancellation);
            IReadOnlyList<IEvent> events = [.. decide(loaded.State)];
            if (events.Count == 0) return new Decided<TState>(loaded.State, loaded.Version, events);
            try
            {
                var expected = ExpectedVersion.Exactly(loaded.Version);
                var result =
                    await store.AppendAsync(stream, expected, Number(events, commandId), metadata, cancellation);
                var state = events.Aggregate(loaded.State, aggregate.Apply);
                return new Decided<TState>(state, result.Version, events);
            }
            catch (WrongExpectedVersionException) when (attempt < AttemptsMax)
            {
                // The state that the decision saw is old; the next turn sees the winner's events.
            }
            catch (WrongExpectedVersionException)
            {
                break;
            }
        }

        throw new ContendedStreamException(stream, AttemptsMax);
    }

    private static List<NewEvent> Number(IReadOnlyList<IEvent> events, Guid? commandId) =>
        [.. events.Select((data, index) =>
            new NewEvent(commandId is { } id ? EventIds.Of(id, index) : Guid.NewGuid(), data))];
}
