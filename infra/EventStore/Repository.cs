using System.Data.Common;
using System.Text.Json;
using EventStream.Contracts;

namespace EventStream.EventStore;

/// <summary>
/// Load, fold, decide, append: the way every aggregate is written. When another writer came first, the decision is
/// taken again on the new state, at most <see cref="AttemptsMax"/> times.
/// </summary>
/// <remarks>
/// States that decisions led to are kept in memory, <see cref="StatesMax"/> of them unless told otherwise: the next
/// decision on the same aggregate is taken on what is kept, without reading. Nothing wrong can come of a state that is
/// old: an append to another version than the stream has is refused, and a decision that refuses, or changes nothing,
/// counts only on a state that was just read (docs/decisions/0023). States are values: a fold that changes one in place
/// breaks this as it breaks snapshots.
/// </remarks>
public sealed class Repository<TState>
{
    /// <summary>States kept unless told otherwise.</summary>
    public const int StatesMax = 1000;

    /// <summary>
    /// Losing so often in a row means that many writers fight for one stream; waiting longer would hide that.
    /// </summary>
    public const int AttemptsMax = 8;

    private readonly IEventStore store;
    private readonly Aggregate<TState> aggregate;
    private readonly KeptStates<TState> kept;

    public Repository(IEventStore store, Aggregate<TState> aggregate)
        : this(store, aggregate, StatesMax, TimeProvider.System)
    {
    }

    /// <summary>With another bound of the states that are kept; 0 keeps none.</summary>
    public Repository(IEventStore store, Aggregate<TState> aggregate, int statesMax, TimeProvider time) =>
        (this.store, this.aggregate, kept) = (store, aggregate, new KeptStates<TState>(statesMax, time));

    /// <summary>The state of one aggregate now, or as of a version or a time.</summary>
    public async Task<Loaded<TState>> LoadAsync(
        string id, CancellationToken cancellation, long asOfVersion = long.MaxValue, DateTimeOffset? asOf = null)
    {
        var range = new StreamRange { ToVersion = asOfVersion, ToTime = asOf };
        // A fold that was kept may be newer than the moment that is asked for.
        var onto = asOf is null ? await FromSnapshotAsync(id, asOfVersion, cancellation) : null;
        if (onto is null) return await store.AggregateStreamAsync(aggregate, id, range, cancellation);
        return await store.FoldAsync(aggregate, id, onto, range with { FromVersion = onto.Version + 1 }, cancellation);
    }

    /// <summary>
    /// The state of one aggregate with the means to append to exactly that state: for writers that do more between
    /// reading and writing than decide. <see cref="DecideAsync"/> is the better way wherever it is possible.
    /// </summary>
    public async Task<StreamForWriting<TState>> FetchForWritingAsync(string id, CancellationToken cancellation)
    {
        var loaded = await LoadAsync(id, cancellation);
        return new StreamForWriting<TState>(this, id, loaded);
    }

    /// <summary>
    /// Takes a decision and appends the events that it returns; it may throw to refuse, and return none to change
    /// nothing. With a <paramref name="commandId"/> the event ids follow from it, so that the same command appended
    /// twice is stored once. Throws <see cref="ContendedStreamException"/> when every attempt lost.
    /// </summary>
    public async Task<Decided<TState>> DecideAsync(
        string id, Func<TState, IEnumerable<IEvent>> decide, EventMetadata metadata, CancellationToken cancellation,
        Guid? commandId = null)
    {
        if (await DecideOnKeptAsync(id, decide, metadata, commandId, cancellation) is { } decided) return decided;
        for (var attempt = 1; attempt <= AttemptsMax; attempt++)
        {
            var readAt = kept.Now();
            var loaded = await LoadAsync(id, cancellation);
            IReadOnlyList<IEvent> events = [.. decide(loaded.State)];
            if (events.Count == 0)
            {
                kept.Put(id, loaded, readAt);
                return new Decided<TState>(loaded.State, loaded.Version, events);
            }

            try
            {
                return await AppendAsync(id, loaded, events, metadata, cancellation, commandId, readAt);
            }
            catch (WrongExpectedVersionException)
            {
                // The state that the decision saw is old; the next turn sees the winner's events.
            }
        }

        throw new ContendedStreamException(aggregate.StreamOf(id), AttemptsMax);
    }

    /// <summary>
    /// Appends what follows from a state, to exactly the version that it was folded from. With the time at which its
    /// events were read, what it led to is kept.
    /// </summary>
    internal async Task<Decided<TState>> AppendAsync(
        string id, Loaded<TState> loaded, IReadOnlyList<IEvent> events, EventMetadata metadata,
        CancellationToken cancellation, Guid? commandId = null, long? readAt = null)
    {
        var stream = aggregate.StreamOf(id);
        var result = await store.AppendAsync(
            stream, ExpectedVersion.Exactly(loaded.Version), Number(events, commandId), metadata, cancellation);
        var state = events.Aggregate(loaded.State, aggregate.Apply);
        // A repeated command may have been appended long ago: then the state is not that of the version it is at.
        if (result.Repeated) kept.Remove(id);
        else if (readAt is { } at) kept.Put(id, new Loaded<TState>(state, result.Version), at);
        if (!result.Repeated) await KeepAsync(stream, loaded.Version, result.Version, state, cancellation);
        return new Decided<TState>(state, result.Version, events);
    }

    /// <summary>
    /// Takes the decision on what is kept and appends it; null where nothing is kept, or where only a state that was
    /// just read can tell: the stream went on meanwhile, or there is nothing to append.
    /// </summary>
    private async Task<Decided<TState>?> DecideOnKeptAsync(
        string id, Func<TState, IEnumerable<IEvent>> decide, EventMetadata metadata, Guid? commandId,
        CancellationToken cancellation)
    {
        if (kept.Find(id) is not { } known) return null;
        IReadOnlyList<IEvent> events;
        try
        {
            events = [.. decide(known.State.State)];
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // What is refused on an old state may be right on the new one.
            return null;
        }

        if (events.Count == 0) return null;
        try
        {
            return await AppendAsync(id, known.State, events, metadata, cancellation, commandId, known.ReadAt);
        }
        catch (WrongExpectedVersionException)
        {
            kept.Remove(id);
            return null;
        }
    }

    private static List<NewEvent> Number(IReadOnlyList<IEvent> events, Guid? commandId) =>
        [.. events.Select((data, index) =>
            new NewEvent(commandId is { } id ? EventIds.Of(id, index) : Guid.NewGuid(), data))];

    private async Task<Loaded<TState>?> FromSnapshotAsync(string id, long asOfVersion, CancellationToken cancellation)
    {
        if (aggregate.Snapshots is not { } policy) return null;
        var snapshot = await store.LoadSnapshotAsync(aggregate.StreamOf(id), policy.Shape, cancellation);
        if (snapshot is null || snapshot.Version > asOfVersion) return null;
        try
        {
            var state = JsonSerializer.Deserialize(snapshot.State.Span, policy.Json);
            return state is null ? null : new Loaded<TState>(state, snapshot.Version);
        }
        catch (JsonException)
        {
            // Its shape changed and its name did not; the events say it all anyway.
            return null;
        }
    }

    private async Task KeepAsync(string stream, long from, long to, TState state, CancellationToken cancellation)
    {
        if (aggregate.Snapshots is not { } policy || !policy.IsDue(from, to)) return;
        try
        {
            var json = JsonSerializer.SerializeToUtf8Bytes(state, policy.Json);
            await store.SaveSnapshotAsync(stream, new Snapshot(policy.Shape, to, json), cancellation);
        }
        catch (DbException)
        {
            // The events are appended, which is what was asked for; the next interval keeps a fold again.
        }
    }
}

/// <summary>A state that was read in order to append to it.</summary>
public sealed class StreamForWriting<TState>
{
    private readonly Repository<TState> repository;
    private readonly string id;
    private Loaded<TState> loaded;

    internal StreamForWriting(Repository<TState> repository, string id, Loaded<TState> loaded) =>
        (this.repository, this.id, this.loaded) = (repository, id, loaded);

    /// <summary>The state, with what was appended through this handle.</summary>
    public TState State => loaded.State;

    /// <summary>The version that the next append expects; 0 where there is no stream.</summary>
    public long Version => loaded.Version;

    /// <summary>
    /// Appends to the version that was read. Throws <see cref="WrongExpectedVersionException"/> when another writer
    /// came first: read again then.
    /// </summary>
    public async Task AppendAsync(
        IReadOnlyList<IEvent> events, EventMetadata metadata, CancellationToken cancellation)
    {
        var decided = await repository.AppendAsync(id, loaded, events, metadata, cancellation);
        loaded = new Loaded<TState>(decided.State, decided.Version);
    }
}
